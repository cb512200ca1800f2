// An agent's host, a relay's and a connector's, each a network namespace of its own, and between them cables and two bad
// paths of the impairer. Nothing forwards but the relay:
//
//   programs, agent ── path "agent" ── relay ── path "connector" ── connector, real servers
import { type Daemon, startAgent, startConnector, startRelay } from "./daemons.ts";
import { Impairer } from "./impairer.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface TunnelWorldOptions {
  readonly seed?: number;
  /** For the connector; default: every port of the connector's loopback address, as service "lab". */
  readonly connectorFlags?: readonly string[];
}

/** The virtual address of service "lab". */
export const LAB = "10.100.0.3";

export class TunnelWorld implements AsyncDisposable {
  readonly hosts: Readonly<Record<"agent" | "relay" | "connector", NetworkNamespace>>;
  readonly impairer: Impairer;
  readonly connector: Daemon;
  /** A directory for whatever is needed. */
  readonly cwd: string;
  /** A restarted relay takes its place. */
  readonly #current: { relay: Daemon };
  readonly #owned: AsyncDisposableStack;

  static async open(options: TunnelWorldOptions = {}): Promise<TunnelWorld> {
    await using owned = new AsyncDisposableStack();
    const host = (name: string) => owned.use(new NetworkNamespace(name));
    const hosts = { agent: host("agent"), relay: host("relay"), connector: host("connector") };
    hosts.relay.connect("to-agent", `${RELAY_FOR.agent}/24`, hosts.agent, "to-relay", "10.99.1.2/24");
    hosts.relay.connect("to-connector", `${RELAY_FOR.connector}/24`, hosts.connector, "to-relay", "10.99.2.2/24");
    const cwd = owned.use(temporaryDirectory()).path;
    const relay = await startRelay({ cwd, prefix: hosts.relay.prefix, host: "0.0.0.0" });
    const current = { relay };
    owned.defer(() => current.relay[Symbol.asyncDispose]());
    const target = { host: "127.0.0.1", port: relay.port };
    const path = (towards: "agent" | "connector") => ({ listen: { host: RELAY_FOR[towards], port: 0 }, target });
    const paths = { agent: path("agent"), connector: path("connector") };
    const { seed = 1 } = options;
    const impairer = owned.use(await Impairer.start({ prefix: hosts.relay.prefix, seed, paths }));
    const dialled = { host: RELAY_FOR.connector, port: impairer.port("connector") };
    const flags = options.connectorFlags ?? ["--service", "lab", "--service-ip", LAB, "--forward", "127.0.0.1"];
    const place = { cwd, prefix: hosts.connector.prefix };
    const connector = owned.use(await startConnector(dialled, "lab", { ...place, flags }));
    return new TunnelWorld({ hosts, cwd, current, impairer, connector, owned: owned.move() });
  }

  private constructor(parts: {
    readonly hosts: TunnelWorld["hosts"];
    readonly cwd: string;
    readonly current: { relay: Daemon };
    readonly impairer: Impairer;
    readonly connector: Daemon;
    readonly owned: AsyncDisposableStack;
  }) {
    this.hosts = parts.hosts;
    this.cwd = parts.cwd;
    this.#current = parts.current;
    this.impairer = parts.impairer;
    this.connector = parts.connector;
    this.#owned = parts.owned;
  }

  get relay(): Daemon {
    return this.#current.relay;
  }

  /** Where the agent finds the relay: behind its bad path. */
  get server(): { readonly host: string; readonly port: number } {
    return { host: RELAY_FOR.agent, port: this.impairer.port("agent") };
  }

  /** With a TUN device, unless the flags say otherwise. Registered before it is returned. */
  async startAgent(flags: readonly string[] = []): Promise<Daemon> {
    const place = { cwd: this.cwd, prefix: this.hosts.agent.prefix };
    return this.use(await startAgent(this.server, `lab=${LAB}`, { ...place, flags }));
  }

  /** Killed, and started again on its port. */
  async restartRelay(): Promise<void> {
    const { port, process } = this.relay;
    await process.end("SIGKILL");
    const place = { cwd: this.cwd, prefix: this.hosts.relay.prefix, host: "0.0.0.0", port };
    this.#current.relay = await startRelay(place);
  }

  /** Something whose life ends with the world's, before everything that was there already. */
  use<T extends Disposable | AsyncDisposable>(owned: T): T {
    return this.#owned.use(owned);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

const RELAY_FOR = { agent: "10.99.1.1", connector: "10.99.2.1" } as const;
