// What an endpoint and its sockets show: packets, handshakes, and every packet that was dropped, by reason.
import type { EndpointStats } from "../quic/stats.ts";
import type { MetricsPage, Sample } from "./metrics-page.ts";
import type { UdpSocketStats } from "./udp-socket.ts";

export interface EndpointFigures {
  readonly stats: EndpointStats;
  readonly connections: number;
  readonly halfOpen: number;
}

export function addEndpointMetrics(page: MetricsPage, endpoint: EndpointFigures, socket: UdpSocketStats): void {
  const { stats } = endpoint;
  const counter = (name: string, help: string, read: () => number) => page.add("counter", name, help, read);
  const gauge = (name: string, help: string, read: () => number) => page.add("gauge", name, help, read);
  counter(
    "ztna_packets_received_total",
    "UDP packets received: accepted + dropped at the hop packet.",
    () => stats.receivedPackets,
  );
  counter("ztna_packets_accepted_total", "UDP packets that a connection took.", () => stats.acceptedPackets);
  counter("ztna_packets_sent_total", "UDP packets written.", () => stats.sentPackets);
  counter("ztna_received_bytes_total", "Bytes of UDP packets received.", () => stats.receivedBytes);
  counter("ztna_sent_bytes_total", "Bytes of UDP packets written.", () => stats.sentBytes);
  counter(
    "ztna_send_errors_total",
    "UDP packets that the system refused, and errors that came back.",
    () => socket.sendErrors,
  );
  counter(
    "ztna_datagrams_taken_total",
    "Datagrams to send: sent + waiting + dropped at the hop queue.",
    () => stats.datagramsTaken,
  );
  counter("ztna_datagrams_sent_total", "Datagrams handed to QUIC.", () => stats.datagramsSent);
  gauge("ztna_datagrams_waiting", "Datagrams kept for congested connections.", () => stats.datagramsWaiting);
  counter("ztna_handshakes_started_total", "Handshakes begun.", () => stats.handshakesStarted);
  counter(
    "ztna_handshakes_completed_total",
    "Handshakes that ended with an admitted peer.",
    () => stats.handshakesCompleted,
  );
  counter("ztna_handshakes_failed_total", "Handshakes that ended without one.", () => stats.handshakesFailed);
  page.addLabelled(
    "counter",
    "ztna_peers_refused_total",
    "Peers closed before anything was read from them, by reason.",
    ["reason"],
    () => samples([], stats.refused),
  );
  counter(
    "ztna_stream_bytes_discarded_total",
    "Bytes that peers sent on streams, which have no meaning.",
    () => stats.streamBytesDiscarded,
  );
  gauge("ztna_half_open_connections", "Connections whose handshake is under way.", () => endpoint.halfOpen);
  gauge("ztna_socket_receive_buffer_bytes", "Receive buffer that the kernel gave.", () => socket.receiveBufferBytes);
  gauge("ztna_socket_send_buffer_bytes", "Send buffer that the kernel gave.", () => socket.sendBufferBytes);
}

/** Of `ztna_dropped_total`: what the kernel lost or had no room for, packets on their way in, datagrams that a connection did not take. */
export function endpointDrops({ dropped, datagramsDropped }: EndpointStats, socket: UdpSocketStats): Sample[] {
  return [
    [["socket", "kernel"], socket.kernelDrops],
    [["socket", "send-buffer"], socket.sendBufferDrops],
    ...samples(["packet"], dropped),
    ...samples(["queue"], datagramsDropped),
  ];
}

/** Adds the one counter of all drops of a daemon; `read` lists (hop, reason) and the count. */
export function addDropMetric(page: MetricsPage, read: () => Iterable<Sample>): void {
  page.addLabelled(
    "counter",
    "ztna_dropped_total",
    "What was not passed on, by hop and reason.",
    ["hop", "reason"],
    read,
  );
}

/** One sample for each key, under the labels that come before it. */
export function samples(labels: readonly string[], counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([reason, count]) => [[...labels, reason], count] as const);
}
