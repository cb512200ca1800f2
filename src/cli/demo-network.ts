// The demo's network: certificates of its own authority, a relay, two hosts with services and a connector each.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as certs } from "./certs.ts";
import { DemoFailure, type DemoProcess, startProcess } from "./demo-process.ts";
import { type DemoServices, startServices } from "./demo-services.ts";
import { CommandError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

export const ECHO = { id: "echo", address: "10.100.0.1", port: 7 } as const;
export const CAPITALS = { id: "capitals", address: "10.100.0.2", port: 700 } as const;
export const PAGE = { id: "page", address: "10.100.0.3", port: 80 } as const;

/** One host behind the relay: its own services, its own connector. */
export interface DemoHost {
  readonly name: string;
  readonly services: DemoServices;
  connector: DemoProcess;
}

export class DemoNetwork implements AsyncDisposable {
  readonly directory = ownDirectory();
  readonly hosts: DemoHost[] = [];
  /** "127.0.0.1:PORT", once it listens. */
  relay = "";
  readonly #terminal: Terminal;
  readonly #processes = new Set<DemoProcess>();
  readonly #services: DemoServices[] = [];
  /** What is still under way when the demo is interrupted must not start anything more. */
  #isGone = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async makeCertificates(): Promise<void> {
    const plan = join(this.directory, "pki.json");
    writeFileSync(plan, JSON.stringify(PLAN, undefined, 2));
    let said = "";
    const err = (text: string) => {
      said += text;
    };
    const quiet: Terminal = { ...this.#terminal, environment: {}, out: () => {}, err };
    const status = await certs(["init", "--plan", plan, "--dir", this.directory], quiet);
    if (status !== 0) throw new DemoFailure(`making certificates ended with status ${status}:\n${said}`);
  }

  async startRelay(): Promise<void> {
    const own = ["--cert", "relay.crt", "--key", "relay.key", "--ca-cert", "ca.pem"];
    const where = ["--bind", "127.0.0.1", "--port", "0", "--metrics-port", "0", ...CONTROL];
    const relay = this.start("relay", ["serve", ...where, ...own]);
    const [, address] = await relay.line(/listening (127\.0\.0\.1:\d+)$/);
    this.relay = address as string;
  }

  async startHost(name: string): Promise<void> {
    const services = await startServices(name);
    this.#services.push(services);
    const configuration = {
      intermediate_server: { host: "127.0.0.1", port: Number(this.relay.split(":")[1]) },
      ca_cert: "ca.pem",
      client_cert: `connector-${name}.crt`,
      client_key: `connector-${name}.key`,
      services: [
        { id: ECHO.id, virtualIp: ECHO.address, protocol: "udp", ports: [ECHO.port], backend: services.echo },
        {
          id: CAPITALS.id,
          virtualIp: CAPITALS.address,
          protocol: "udp",
          ports: [CAPITALS.port],
          backend: services.capitals,
        },
        { id: PAGE.id, virtualIp: PAGE.address, protocol: "tcp", ports: [PAGE.port], backend: services.page },
      ],
      metrics_port: 0,
    };
    writeFileSync(join(this.directory, `connector-${name}.json`), JSON.stringify(configuration, undefined, 2));
    this.hosts.push({ name, services, connector: await this.startConnector(name) });
  }

  /** Resolves when its services are registered. */
  async startConnector(name: string): Promise<DemoProcess> {
    const connector = this.start(`connector ${name}`, ["connect", "--config", `connector-${name}.json`, ...CONTROL]);
    await Promise.all([ECHO.id, CAPITALS.id, PAGE.id].map((id) => connector.line(new RegExp(`registered ${id}$`))));
    return connector;
  }

  startClient(name: string, args: readonly string[]): DemoProcess {
    const own = ["--client-cert", `${name}.crt`, "--client-key", `${name}.key`, "--ca-cert", "ca.pem"];
    return this.start(`test client of ${name}`, ["test-client", "--server", this.relay, ...own, "--routed", ...args]);
  }

  /** The laptop's agent, without root: a port of loopback leads to the page. Resolves with "127.0.0.1:PORT". */
  async startAgent(): Promise<string> {
    const own = ["--client-cert", "laptop.crt", "--client-key", "laptop.key", "--ca-cert", "ca.pem"];
    const page = ["--service", `${PAGE.id}=${PAGE.address}`, "--listen", `127.0.0.1:0=${PAGE.id}:${PAGE.port}`];
    const args = ["agent", "--server", this.relay, ...own, ...page, "--metrics-port", "0", ...CONTROL];
    const agent = this.start("agent of laptop", args);
    const [[, local]] = await Promise.all([
      agent.line(/listening (127\.0\.0\.1:\d+)$/),
      agent.line(new RegExp(`registered ${PAGE.id}$`)),
    ]);
    return local as string;
  }

  start(name: string, args: readonly string[]): DemoProcess {
    if (this.#isGone) throw new DemoFailure("the network is being taken down");
    const { environment } = this.#terminal;
    const started = startProcess(args, { name, directory: this.directory, environment });
    this.#processes.add(started);
    return started;
  }

  /** Rejects when a daemon ends that should not. */
  async broken(): Promise<never> {
    const daemons = [...this.#processes].filter(({ running }) => running);
    const ended = await Promise.race(daemons.map((daemon) => daemon.exited.then((status) => ({ daemon, status }))));
    throw new DemoFailure(`${ended.daemon.name} ended with status ${ended.status}:\n${ended.daemon.lastLines}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isGone = true;
    // Clients first: a relay that waits for them to leave would hold everything up.
    const newestFirst = [...this.#processes].reverse();
    await Promise.all(newestFirst.map((started) => started.end()));
    for (const services of this.#services) services[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function ownDirectory(): string {
  try {
    return mkdtempSync(join(tmpdir(), "ztna-demo-"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`no place for the demo's files (${why}): set TMPDIR to a directory that you may write to`);
  }
}

/** With the demo's files, so that nothing stays, and `ztna status` of this host's own daemons does not show them. */
const CONTROL: readonly string[] = ["--control-dir", "."];

const PLAN = {
  ca: { name: "ztna demo CA", days: 60 },
  certificates: [
    { kind: "server", name: "relay", addresses: ["127.0.0.1"] },
    { kind: "client", name: "connector-a", connector: [ECHO.id, CAPITALS.id, PAGE.id] },
    { kind: "client", name: "connector-b", connector: [ECHO.id, CAPITALS.id, PAGE.id] },
    { kind: "client", name: "laptop", agent: [ECHO.id, CAPITALS.id, PAGE.id] },
    { kind: "client", name: "visitor", agent: [CAPITALS.id] },
  ],
};
