// What the connector shows to scrapers: the reference's names with its meanings, then ours.
import type { BackendsStats } from "./backends.ts";
import { addDropMetric, addEndpointMetrics, type EndpointFigures, endpointDrops, samples } from "./metrics-endpoint.ts";
import type { MetricsPage } from "./metrics-page.ts";
import { addServiceMetrics } from "./metrics-services.ts";
import type { UdpSocketStats } from "./udp-socket.ts";

/** The connector's counters, as far as they are shown. */
export interface ConnectorFigures {
  readonly stats: {
    readonly hops: Readonly<Record<"agent" | "backend", HopFigures>>;
    readonly control: number;
    readonly answered: number;
    readonly answers: Readonly<Record<string, number>>;
    readonly answersLost: number;
    readonly flowsOpened: number;
    readonly flowsEvicted: number;
    readonly backendFailures: Readonly<Record<string, number>>;
    readonly tcpSessions: number;
    readonly tcpErrors: number;
    readonly tcpIdled: number;
  };
  readonly flowCount: number;
  readonly sessionCount: number;
  /** What became of TCP segments, by what happened. */
  readonly segments: Readonly<Record<string, number>>;
  status(): Iterable<ServiceFigures>;
}

interface HopFigures {
  readonly received: number;
  readonly receivedBytes: number;
  readonly forwarded: number;
  readonly forwardedBytes: number;
  readonly dropped: Readonly<Record<string, number>>;
}

interface ServiceFigures {
  readonly service: string;
  readonly connection: string;
  readonly registration: string;
  readonly maxDatagram: number;
  readonly reconnections: number;
}

export function addConnectorMetrics(
  page: MetricsPage,
  parts: {
    readonly connector: ConnectorFigures;
    readonly backends: { readonly stats: BackendsStats; readonly size: number };
    readonly endpoint: EndpointFigures;
    readonly socket: UdpSocketStats;
    readonly uptimeSeconds: () => number;
  },
): void {
  const { connector, backends, endpoint, socket, uptimeSeconds } = parts;
  const { stats } = connector;
  const { agent, backend } = stats.hops;
  const counter = (name: string, help: string, read: () => number) =>
    page.add("counter", `ztna_connector_${name}`, help, read);
  counter("forwarded_packets_total", "Payloads sent to backends.", () => agent.forwarded);
  counter("forwarded_bytes_total", "Bytes of those payloads.", () => agent.forwardedBytes);
  counter("tcp_sessions_total", "TCP connections to backends that were started.", () => stats.tcpSessions);
  counter("tcp_errors_total", "TCP connections to backends that failed.", () => stats.tcpErrors);
  counter("reconnections_total", "Connections to the relay after the first.", () => total(connector, "reconnections"));
  page.add("gauge", "ztna_connector_uptime_seconds", "Whole seconds since start.", uptimeSeconds);

  counter("received_packets_total", "Datagrams from the relay.", () => agent.received);
  counter("control_packets_total", "Those about the connection itself.", () => stats.control);
  counter("answered_packets_total", "Those that the connector answered itself.", () => stats.answered);
  counter("replies_received_total", "Payloads from backends.", () => backend.received);
  counter("replies_forwarded_total", "Those passed to the relay.", () => backend.forwarded);
  counter("replies_forwarded_bytes_total", "Bytes of those payloads.", () => backend.forwardedBytes);
  counter("answers_lost_total", "Own answers that the connection did not take.", () => stats.answersLost);
  counter("flows_opened_total", "UDP flows opened.", () => stats.flowsOpened);
  counter("flows_evicted_total", "UDP flows that made room for newer ones.", () => stats.flowsEvicted);
  page.add("gauge", "ztna_connector_flows", "UDP flows open now.", () => connector.flowCount);
  counter("tcp_idle_ended_total", "TCP connections, half closed, that nothing used any more.", () => stats.tcpIdled);
  page.add("gauge", "ztna_connector_tcp_open", "TCP connections open now.", () => connector.sessionCount);
  page.addLabelled("counter", "ztna_connector_tcp_segments_total", "What became of TCP segments.", ["event"], () =>
    samples([], connector.segments),
  );
  page.add("gauge", "ztna_connector_backend_sockets", "Backend sockets open now.", () => backends.size);
  page.addLabelled(
    "counter",
    "ztna_connector_backend_failures_total",
    "Backends that failed, by reason.",
    ["reason"],
    () => samples([], stats.backendFailures),
  );
  addServiceMetrics(page, () =>
    [...connector.status()].map(({ maxDatagram, ...status }) => ({ ...status, maxPacket: maxDatagram })),
  );
  page.add("gauge", "ztna_active_connections", "QUIC connections, handshakes included.", () => endpoint.connections);
  addEndpointMetrics(page, endpoint, socket);
  addDropMetric(page, () => [
    ...endpointDrops(endpoint.stats, socket),
    ...samples(["agent"], agent.dropped),
    ...samples(["backend"], backend.dropped),
    ...samples(["backend-socket"], backends.stats.dropped),
  ]);
}

function total(connector: ConnectorFigures, figure: "reconnections"): number {
  let sum = 0;
  for (const status of connector.status()) sum += status[figure];
  return sum;
}
