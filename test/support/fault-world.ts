// A relay, a connector and two agents, each on a host of its own, and the cables between them that a test can damage:
//
//   service – connector ──┐
//          first agent ── relay ── second agent
import { type Daemon, startConnector, startRelay } from "./daemons.ts";
import { openEcho } from "./echo-fixture.ts";
import { LiveAgent } from "./live-agent.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { testPki } from "./pki.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** One end of a cable, seen from the host whose sending is disturbed. */
export interface CableEnd {
  readonly host: NetworkNamespace;
  readonly device: string;
  /** The cable's network and the address at its other end. */
  readonly network: string;
  readonly peer: string;
}

export interface FaultWorld extends AsyncDisposable {
  readonly relay: Daemon;
  readonly connector: Daemon;
  readonly first: LiveAgent;
  readonly second: LiveAgent;
  /** From the relay to the second agent, and from the connector to the relay. */
  readonly ends: { readonly serve: CableEnd; readonly connect: CableEnd };
  /** The second agent's own, and where the relay is, seen from there. */
  readonly secondHost: NetworkNamespace;
  readonly relayAddress: { readonly host: string; readonly port: number };
}

export async function faultWorld(options: {
  /** For both daemons. */
  readonly flags: readonly string[];
  readonly payloadBytes?: number;
}): Promise<FaultWorld> {
  await using owned = new AsyncDisposableStack();
  const host = (name: string) => owned.use(new NetworkNamespace(name));
  const hosts = { relay: host("relay"), connector: host("connector"), first: host("first"), second: host("second") };
  for (const [index, name] of (["connector", "first", "second"] as const).entries()) {
    hosts.relay.connect(`to-${name}`, `10.99.${index}.1/24`, hosts[name], "to-relay", `10.99.${index}.2/24`);
  }
  const cwd = owned.use(temporaryDirectory()).path;
  const echo = owned.use(await hosts.connector.enter(() => openEcho()));
  const place = (name: keyof typeof hosts) => ({ cwd, prefix: hosts[name].prefix });
  const relay = owned.use(await startRelay({ ...place("relay"), host: "0.0.0.0", flags: options.flags }));
  const { port } = relay;
  const service = ["--service", "web", "--service-ip", WEB, "--forward", `127.0.0.1:${echo.port}`];
  const flags = [...service, ...options.flags];
  const dialled = { host: "10.99.0.1", port };
  const connector = owned.use(await startConnector(dialled, "web", { ...place("connector"), flags }));
  const pki = await testPki();
  const agent = async (name: "first" | "second", relayHost: string, credential: typeof pki.agent) => {
    const { payloadBytes = 64 } = options;
    const enter = <T>(body: () => T) => hosts[name].enter(body);
    const toService = { service: "web", address: WEB, payloadBytes };
    return owned.use(await LiveAgent.open({ relay: { host: relayHost, port }, credential, enter, ...toService }));
  };
  const first = await agent("first", "10.99.1.1", pki.agent);
  const second = await agent("second", "10.99.2.1", pki.agentForAll);
  const kept = owned.move();
  return {
    relay,
    connector,
    first,
    second,
    ends: {
      serve: { host: hosts.relay, device: "to-second", network: "10.99.2.0/24", peer: "10.99.2.2" },
      connect: { host: hosts.connector, device: "to-relay", network: "10.99.0.0/24", peer: "10.99.0.1" },
    },
    secondHost: hosts.second,
    relayAddress: { host: "10.99.2.1", port },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The service's virtual address. */
const WEB = "10.100.0.1";
