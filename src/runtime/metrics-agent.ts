// What the agent shows to scrapers, in the connector's words.
import { addDropMetric, addEndpointMetrics, type EndpointFigures, endpointDrops, samples } from "./metrics-endpoint.ts";
import type { MetricsPage, Sample } from "./metrics-page.ts";
import { addServiceMetrics, type ServiceFigures } from "./metrics-services.ts";
import type { TunStats } from "./tun.ts";
import type { UdpSocketStats } from "./udp-socket.ts";

/** The agent's counters, as far as they are shown. */
export interface AgentFigures {
  readonly stats: {
    readonly hops: Readonly<Record<"tun" | "local" | "relay", AgentHopFigures>>;
    readonly control: number;
    readonly answers: Readonly<Record<string, number>>;
    readonly answersSuppressed: number;
  };
  readonly uplink: { readonly stats: { readonly reconnections: number } };
  status(): Iterable<ServiceFigures>;
}

export interface AgentHopFigures {
  readonly received: number;
  readonly receivedBytes: number;
  readonly forwarded: number;
  readonly forwardedBytes: number;
  readonly dropped: Readonly<Record<string, number>>;
}

export interface AgentMetricParts {
  readonly agent: AgentFigures;
  /** Of the TUN device, if there is one. */
  readonly tun: TunStats | undefined;
  readonly endpoint: EndpointFigures;
  readonly socket: UdpSocketStats;
  /** Of the local ports. */
  readonly drops?: () => readonly Sample[];
}

export function addAgentMetrics(page: MetricsPage, parts: AgentMetricParts): void {
  const { agent, tun, endpoint, socket, drops = () => [] } = parts;
  const { stats, uplink } = agent;
  const perHop = (name: string, help: string, figure: Exclude<keyof AgentHopFigures, "dropped">) =>
    page.addLabelled("counter", `ztna_agent_${name}_total`, help, ["hop"], () =>
      Object.entries(stats.hops).map(([hop, figures]) => [[hop], figures[figure]] as const),
    );
  perHop("received_packets", "Packets from programs of this host (tun, local) and datagrams of the relay.", "received");
  perHop("received_bytes", "Bytes of those.", "receivedBytes");
  perHop("forwarded_packets", "Those passed on.", "forwarded");
  perHop("forwarded_bytes", "Bytes of those.", "forwardedBytes");
  const counter = (name: string, help: string, read: () => number) =>
    page.add("counter", `ztna_agent_${name}`, help, read);
  counter("control_packets_total", "Datagrams of the relay about the connection itself.", () => stats.control);
  counter("reconnections_total", "Connections to the relay after the first.", () => uplink.stats.reconnections);
  counter(
    "answers_suppressed_total",
    "Errors that programs were not told, for their number.",
    () => stats.answersSuppressed,
  );
  page.addLabelled("counter", "ztna_agent_answers_total", "Errors that programs were told.", ["kind"], () =>
    samples([], stats.answers),
  );
  if (tun !== undefined) addTunMetrics(page, tun);
  addServiceMetrics(page, () => agent.status());
  page.add("gauge", "ztna_active_connections", "QUIC connections, handshakes included.", () => endpoint.connections);
  addEndpointMetrics(page, endpoint, socket);
  addDropMetric(page, () => [
    ...endpointDrops(endpoint.stats, socket),
    ...agentDrops(agent),
    ...drops(),
    ...(tun === undefined ? [] : samples(["device"], { "write-failed": tun.writeFailures })),
  ]);
}

/** Every reason that counted, by hop. */
export function agentDrops({ stats }: AgentFigures) {
  return Object.entries(stats.hops).flatMap(([hop, { dropped }]) => samples([hop], dropped));
}

function addTunMetrics(page: MetricsPage, tun: TunStats): void {
  const counter = (name: string, help: string, read: () => number) =>
    page.add("counter", `ztna_tun_${name}_total`, help, read);
  counter("reads", "Reads of the TUN device; one may bring many packets.", () => tun.reads);
  counter("read_bytes", "Bytes of those.", () => tun.readBytes);
  counter("writes", "Writes to the TUN device; one may hold many packets.", () => tun.writes);
  counter("written_packets", "Packets that they held.", () => tun.writtenPackets);
  counter("written_bytes", "Bytes of those.", () => tun.writtenBytes);
}
