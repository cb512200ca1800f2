// Assembles the agent: role, relay connection, TUN device, local ports.
import { Agent, type AgentInput, type AgentOutput } from "../agent/agent.ts";
import type { LocalEvent } from "../agent/local.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import type { Log } from "../runtime/log.ts";
import { addAgentMetrics } from "../runtime/metrics-agent.ts";
import type { MetricsPage } from "../runtime/metrics-page.ts";
import type { Tun } from "../runtime/tun.ts";
import type { UdpSocket } from "../runtime/udp-socket.ts";
import { formatIpv4, type Ipv4 } from "../wire/address.ts";
import { agentListeners, listenerInsecurities } from "./agent-listeners.ts";
import { type AgentSettings, agentFiles, agentRelay, agentRelayNames, wantsTun } from "./agent-options.ts";
import { AgentPorts } from "./agent-ports.ts";
import { agentServices } from "./agent-services.ts";
import { agentStatus } from "./agent-status.ts";
import { openTun, tunAddress } from "./agent-tun.ts";
import { type ClientCredentials, loadClientCredentials } from "./client-credentials.ts";
import type { ClientDaemon, ClientEvent, ClientOutput, ClientRole } from "./client-daemon.ts";
import { checkClient, missingServices, runClient } from "./client-run.ts";
import type { DaemonFacts } from "./daemon-status.ts";
import type { AgentStatus } from "./status-document.ts";
import type { Terminal } from "./terminal.ts";

export type ReadSettings = (terminal: Terminal) => Promise<AgentSettings | undefined>;

type Input = Exclude<AgentInput, ClientEvent>;
type Output = Exclude<AgentOutput, ClientOutput>;

/** Everything that can be wrong before anything is opened. */
export function checkAgent(settings: AgentSettings, terminal: Terminal): number {
  return checkClient(settings, loadCredentials, terminal);
}

/** Runs the agent until a signal ends it, or until the relay will not have it before it ever had success. */
export function agent(settings: AgentSettings, read: ReadSettings, terminal: Terminal): Promise<number> {
  const place = { relay: agentRelay(settings), names: agentRelayNames(settings), localPort: 0 };
  const role = (daemon: ClientDaemon<Input, Output>) => new AgentRole(settings, daemon);
  return runClient({ settings, read, load: loadCredentials, ...place, role }, terminal);
}

class AgentRole implements ClientRole<Input, Output> {
  readonly command = "agent";
  readonly machine: Agent;
  readonly #settings: AgentSettings;
  readonly #daemon: ClientDaemon<Input, Output>;
  readonly #address: Ipv4 | undefined;
  readonly #read: { type: "tun-read"; bytes: Uint8Array; at: number; end: number };
  readonly #ports: AgentPorts | undefined;
  #tun: Tun | undefined;
  #log: Log | undefined;

  constructor(settings: AgentSettings, daemon: ClientDaemon<Input, Output>) {
    this.#settings = settings;
    this.#daemon = daemon;
    this.#read = { type: "tun-read", bytes: new Uint8Array(0), at: 0, end: 0 };
    this.#address = wantsTun(settings) ? tunAddress(settings) : undefined;
    const listeners = agentListeners(settings);
    const feed = (event: LocalEvent) => daemon.feed(event);
    this.#ports = listeners.length === 0 ? undefined : new AgentPorts(settings, listeners, feed);
    this.machine = new Agent({
      services: agentServices(settings),
      random: Math.random,
      room: (peer) => daemon.endpoint.window(peer),
      tunAddress: this.#address,
      local: this.#ports?.flows,
    });
  }

  async open(log: Log): Promise<void> {
    this.#log = log;
    if (this.#address !== undefined) await this.#openTun(this.#address, log);
    await this.#ports?.open(log);
  }

  perform(output: Output): void {
    switch (output.type) {
      case "tun-write":
        this.#tun?.write(output.bytes);
        break;
      case "tun-mtu":
        if (this.#tun?.setMtu(output.mtu) === false) this.#log?.line("warn", "tun-mtu-refused", { mtu: output.mtu });
        break;
      default:
        this.#ports?.perform(output);
    }
  }

  missing(): readonly string[] {
    return missingServices(this.machine.status());
  }

  insecurities(): readonly string[] {
    return listenerInsecurities(this.#settings);
  }

  addMetrics(page: MetricsPage, endpoint: Endpoint, { stats: socket }: UdpSocket): void {
    const drops = () => this.#ports?.drops() ?? [];
    addAgentMetrics(page, { agent: this.machine, tun: this.#tun?.stats, endpoint, socket, drops });
    this.#ports?.addMetrics(page);
  }

  status(facts: DaemonFacts): AgentStatus {
    return agentStatus({ agent: this.machine, tun: this.#tun, relay: agentRelay(this.#settings) }, facts);
  }

  async close(): Promise<void> {
    this.#tun?.close();
    await this.#ports?.close();
  }

  async #openTun(address: Ipv4, log: Log): Promise<void> {
    const { machine } = this;
    const daemon = this.#daemon;
    this.#tun = await openTun(this.#settings, address, {
      get takesPackets() {
        return machine.takesPackets;
      },
      read: (bytes, at, end) => this.#fromTun(bytes, at, end),
      lost: (code) => daemon.fail(`the TUN device was taken away (${code})`),
    });
    this.#tun.start();
    log.line("info", "tun", { name: this.#tun.name });
    log.line("debug", "tun-address", { address: formatIpv4(address) });
  }

  /** One object for all reads: the driver takes each before the next is made. */
  #fromTun(bytes: Uint8Array, at: number, end: number): void {
    this.#read.bytes = bytes;
    this.#read.at = at;
    this.#read.end = end;
    this.#daemon.feed(this.#read);
  }
}

function loadCredentials(settings: AgentSettings): ClientCredentials {
  return loadClientCredentials(settings.values, agentFiles(settings));
}
