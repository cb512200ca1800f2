// ztna as it is built: the relay in the middle, kernel TCP of the agent's host ends at the connector, which goes on with
// another connection to the service. Once with a TUN device and once without root, through local ports.
import { BINARY } from "../support/binary.ts";
import { startConnector, startRelay } from "../support/daemons.ts";
import { testPki } from "../support/pki.ts";
import type { RunningProcess } from "../support/process.ts";
import { withoutFile } from "../support/skip.ts";
import type { Tunnel, TunnelKind } from "./tunnel.ts";
import { ECHO_PORT, IPERF_PORT, RELAY, type TunnelNetwork } from "./tunnel-network.ts";

export const ZTNA: TunnelKind = {
  name: "ztna",
  missing: () => withoutFile(BINARY),
  start: (network) => startZtna(network, { flags: [], iperf: [ADDRESS, IPERF_PORT], echo: [ADDRESS, ECHO_PORT] }),
};

export const ZTNA_ROOTLESS: TunnelKind = {
  name: "ztna-rootless",
  missing: () => withoutFile(BINARY),
  start: (network) => {
    const listen = (port: number, to: number) => ["--listen", `${LOCAL}:${port}=${SERVICE}:${to}`];
    const flags = ["--mode", "ports", ...listen(IPERF_PORT, IPERF_PORT), ...listen(LOCAL_ECHO_PORT, ECHO_PORT)];
    return startZtna(network, { flags, iperf: [LOCAL, IPERF_PORT], echo: [LOCAL, LOCAL_ECHO_PORT] });
  },
};

interface Shape {
  readonly flags: readonly string[];
  readonly iperf: readonly [host: string, port: number];
  readonly echo: readonly [host: string, port: number];
}

async function startZtna(network: TunnelNetwork, { flags, iperf, echo }: Shape): Promise<Tunnel> {
  const place = (name: "relay" | "connector") => ({ cwd: network.directory, prefix: network.hosts[name].prefix });
  const relay = await startRelay({ ...place("relay"), host: "0.0.0.0" });
  const { port } = relay;
  const services = [{ id: SERVICE, virtualIp: ADDRESS, backend: "127.0.0.1" }];
  const config = network.write("connector.json", JSON.stringify({ services }));
  const dialled = { host: RELAY.connector, port };
  const connector = await startConnector(dialled, SERVICE, { ...place("connector"), flags: ["--config", config] });
  const agent = await startAgent(network, port, flags);
  const processes = { agent, relay: relay.process, connector: connector.process };
  return {
    iperf: { host: iperf[0], port: iperf[1] },
    echo: { host: echo[0], port: echo[1] },
    processes,
    [Symbol.asyncDispose]: async () => void (await Promise.all(Object.values(processes).map((one) => one.end()))),
  };
}

async function startAgent(network: TunnelNetwork, port: number, flags: readonly string[]): Promise<RunningProcess> {
  const { ca, agentForAll } = await testPki();
  const files = ["--client-cert", agentForAll.certFile, "--client-key", agentForAll.keyFile, "--ca-cert", ca.certFile];
  const where = ["--server", `${RELAY.agent}:${port}`, "--server-name", "ztna-server"];
  const agent = network.start(
    "agent",
    BINARY,
    "agent",
    ...where,
    "--service",
    `${SERVICE}=${ADDRESS}`,
    ...files,
    ...flags,
  );
  await agent.line(new RegExp(`^registered ${SERVICE}$`));
  return agent;
}

const SERVICE = "bench";
const ADDRESS = "10.100.0.2";
const LOCAL = "127.0.0.1";
/** Above those that take root. */
const LOCAL_ECHO_PORT = 7007;
