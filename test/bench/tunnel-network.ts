// Three hosts for tunnels to be compared on: an agent's, a relay's and a connector's, with a cable from the relay to each of
// the others. Nothing forwards between the cables, so whatever arrives has been through the tunnel under test. On the
// connector's host answer iperf3 and a UDP echo, at every address that a tunnel gives to it.
import { openEcho } from "../support/echo-fixture.ts";
import { NetworkNamespace } from "../support/network-namespace.ts";
import { type RunningProcess, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export type Place = "agent" | "relay" | "connector";
export const PLACES: readonly Place[] = ["agent", "relay", "connector"];

export interface TunnelNetwork extends AsyncDisposable {
  readonly hosts: Readonly<Record<Place, NetworkNamespace>>;
  readonly directory: string;
  /** Writes a file into the directory and returns its path. */
  write(name: string, content: string): string;
  /** Starts a program on one of the hosts. */
  start(place: Place, ...command: readonly string[]): RunningProcess;
}

export async function tunnelNetwork(): Promise<TunnelNetwork> {
  await using owned = new AsyncDisposableStack();
  const host = (name: Place) => owned.use(new NetworkNamespace(name));
  const hosts = { agent: host("agent"), relay: host("relay"), connector: host("connector") };
  hosts.relay.connect("to-agent", `${RELAY.agent}/24`, hosts.agent, "to-relay", "10.98.0.2/24");
  hosts.relay.connect("to-connector", `${RELAY.connector}/24`, hosts.connector, "to-relay", "10.98.1.2/24");
  const directory = owned.use(temporaryDirectory());
  const start = (place: Place, ...command: readonly string[]) =>
    startProcess([...hosts[place].prefix, ...command], { cwd: directory.path, name: `${command[0]} of the ${place}` });
  owned.use(await hosts.connector.enter(() => openEcho({ host: "0.0.0.0", port: ECHO_PORT })));
  const iperf = owned.use(start("connector", "iperf3", "--server", "--port", `${IPERF_PORT}`, "--forceflush"));
  await iperf.line(/^Server listening on/);
  const kept = owned.move();
  return {
    hosts,
    directory: directory.path,
    write: (name, content) => directory.write(name, content),
    start,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The relay's host, seen from the two others. */
export const RELAY = { agent: "10.98.0.1", connector: "10.98.1.1" } as const;
export const IPERF_PORT = 5201;
export const ECHO_PORT = 7;
