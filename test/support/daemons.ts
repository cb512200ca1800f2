// The compiled binary's daemons for end-to-end tests: started with certificates of the test PKI, read through metrics.
import { BINARY, requireBinary } from "./binary.ts";
import { type Metrics, scrape } from "./metrics.ts";
import { type TestCredential, testPki } from "./pki.ts";
import { type RunningProcess, startProcess } from "./process.ts";

export interface DaemonOptions {
  /** An empty directory. */
  readonly cwd: string;
  readonly credential?: TestCredential;
  readonly flags?: readonly string[];
  /** Put in front of the command: for instance to run it in a network namespace. */
  readonly prefix?: readonly string[];
}

export interface RelayDaemonOptions extends DaemonOptions {
  readonly host?: string;
  /** The port of an earlier one, for a restart; default: any. */
  readonly port?: number;
}

export class Daemon implements AsyncDisposable {
  readonly process: RunningProcess;
  readonly port: number;
  readonly #metricsPort: number;
  readonly #prefix: readonly string[] | undefined;

  constructor(process: RunningProcess, port: number, metricsPort: number, prefix?: readonly string[]) {
    this.process = process;
    this.port = port;
    this.#metricsPort = metricsPort;
    this.#prefix = prefix;
  }

  metrics(): Promise<Metrics> {
    return scrape(this.#metricsPort, this.#prefix);
  }

  /** The sum of all samples of a metric, over its labels. */
  async total(name: string, labels = ""): Promise<number> {
    let sum = 0;
    for (const [sample, value] of (await this.metrics()).values) {
      if (sample === name || (sample.startsWith(`${name}{`) && sample.includes(labels))) sum += value;
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.end();
  }
}

/** A relay on `host` whose certificate and client CA are the test PKI's. */
export async function startRelay(options: RelayDaemonOptions): Promise<Daemon> {
  requireBinary();
  const pki = await testPki();
  const { credential = pki.server, host = "127.0.0.1", port = 0 } = options;
  const files = ["--cert", credential.certFile, "--key", credential.keyFile, "--ca-cert", pki.ca.certFile];
  const metricsPort = freePort();
  const where = ["--bind", host, "--port", String(port), "--metrics-port", String(metricsPort)];
  const process = start("serve", [...where, ...files], options);
  const [, bound = ""] = await process.line(new RegExp(`^listening \\[?${host}\\]?:(\\d+)$`));
  return new Daemon(process, Number(bound), metricsPort, options.prefix);
}

/** A connector of `service`, registered before it is returned. */
export async function startConnector(
  relay: { readonly host?: string; readonly port: number },
  service: string,
  options: DaemonOptions,
): Promise<Daemon> {
  requireBinary();
  const pki = await testPki();
  const { certFile, keyFile } = options.credential ?? pki.connectorForAll;
  const files = ["--client-cert", certFile, "--client-key", keyFile, "--ca-cert", pki.ca.certFile];
  const metricsPort = freePort();
  const where = ["--server", `${relay.host ?? "127.0.0.1"}:${relay.port}`, "--server-name", "ztna-server"];
  const process = start("connect", [...where, "--metrics-port", String(metricsPort), ...files], options);
  await process.line(new RegExp(`^registered ${service}$`));
  return new Daemon(process, 0, metricsPort, options.prefix);
}

/** An agent of `service`, "ID=ADDRESS", registered before it is returned. */
export async function startAgent(
  relay: { readonly host?: string; readonly port: number },
  service: string,
  options: DaemonOptions,
): Promise<Daemon> {
  const metricsPort = freePort();
  const process = await launchAgent(relay, [service], { ...options, metricsPort });
  await process.line(new RegExp(`^registered ${service.split("=")[0]}$`));
  return new Daemon(process, 0, metricsPort, options.prefix);
}

/** An agent for tests of what goes wrong: nothing is awaited. */
export async function launchAgent(
  relay: { readonly host?: string; readonly port: number },
  services: readonly string[],
  options: DaemonOptions & { readonly metricsPort?: number },
): Promise<RunningProcess> {
  requireBinary();
  const pki = await testPki();
  const { certFile, keyFile } = options.credential ?? pki.agentForAll;
  const files = ["--client-cert", certFile, "--client-key", keyFile, "--ca-cert", pki.ca.certFile];
  const where = ["--server", `${relay.host ?? "127.0.0.1"}:${relay.port}`, "--server-name", "ztna-server"];
  const status = ["--metrics-port", String(options.metricsPort ?? 0)];
  const named = services.flatMap((service) => ["--service", service]);
  return start("agent", [...where, ...status, ...named, ...files], options);
}

function start(command: string, given: readonly string[], options: DaemonOptions): RunningProcess {
  const { cwd, flags = [], prefix = [] } = options;
  return startProcess([...prefix, BINARY, command, ...given, ...flags], { cwd, name: command });
}

/**
 * For a status page, where port 0 means none, and for what has to come back on its port: each one once, from below the
 * range that the system hands out by itself. One of that range could be somebody else's before the daemon opens it.
 */
export function freePort(): number {
  for (let tries = 0; tries < FREE_PORTS; tries++) {
    const port = FIRST_FREE_PORT + (nextFreePort++ % FREE_PORTS);
    if (isFree(port)) return port;
  }
  throw new Error("all ports for tests are taken");
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

const FIRST_FREE_PORT = 20_000;
const FREE_PORTS = 10_000;
/** Two test runs at once begin in different places. */
let nextFreePort = process.pid % FREE_PORTS;
