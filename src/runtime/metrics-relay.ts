// What the relay shows to scrapers: the reference's names with its meanings, then ours.
import { addDropMetric, addEndpointMetrics, type EndpointFigures, endpointDrops, samples } from "./metrics-endpoint.ts";
import type { MetricsPage } from "./metrics-page.ts";
import type { UdpSocketStats } from "./udp-socket.ts";

/** The relay's counters, as far as they are shown. */
export interface RelayFigures {
  readonly stats: {
    readonly relayBytes: number;
    readonly registrations: number;
    readonly registrationRejections: number;
    readonly datagramsRelayed: number;
    readonly datagramsReceived: number;
    readonly registrationRequests: number;
    readonly signalingSessions: number;
    readonly takeovers: number;
    readonly peersSilent: number;
    readonly segmentsClamped: number;
    readonly rejected: Readonly<Record<string, number>>;
    readonly answers: Readonly<Record<string, number>>;
    readonly hops: Readonly<Record<string, HopFigures>>;
  };
  services(): readonly ServiceFigures[];
}

interface HopFigures {
  readonly received: number;
  readonly receivedBytes: number;
  readonly relayed: number;
  readonly relayedBytes: number;
  readonly dropped: Readonly<Record<string, number>>;
}

interface ServiceFigures {
  readonly service: string;
  readonly connectors: number;
  readonly displaced: number;
  readonly silent: number;
  readonly agents: number;
  readonly denied: number;
  readonly datagramsToConnectors: number;
  readonly datagramsToAgents: number;
}

export function addRelayMetrics(
  page: MetricsPage,
  relay: RelayFigures,
  endpoint: EndpointFigures,
  socket: UdpSocketStats,
  uptimeSeconds: () => number,
): void {
  const { stats } = relay;
  const quic = endpoint.stats;
  const counter = (name: string, help: string, read: () => number) => page.add("counter", name, help, read);
  page.add("gauge", "ztna_active_connections", "QUIC connections, handshakes included.", () => endpoint.connections);
  counter("ztna_relay_bytes_total", "Bytes of relayed datagrams, as sent.", () => stats.relayBytes);
  counter("ztna_registrations_total", "Accepted registrations, repeats included.", () => stats.registrations);
  counter("ztna_registration_rejections_total", "Registrations refused.", () => stats.registrationRejections);
  counter("ztna_datagrams_relayed_total", "Datagrams passed on.", () => stats.datagramsRelayed);
  counter("ztna_signaling_sessions_total", "Peer-to-peer signalling sessions created.", () => stats.signalingSessions);
  counter("ztna_retry_tokens_validated", "Valid Retry tokens.", () => quic.retryTokensValidated);
  counter("ztna_retry_token_failures", "Invalid Retry tokens.", () => quic.retryTokenFailures);
  page.add("gauge", "ztna_uptime_seconds", "Whole seconds since start.", uptimeSeconds);

  counter(
    "ztna_datagrams_received_total",
    "Datagrams received, registrations included.",
    () => stats.datagramsReceived,
  );
  counter("ztna_registration_requests_total", "Registrations asked for.", () => stats.registrationRequests);
  page.addLabelled("counter", "ztna_rejections_total", "Registrations refused, by reason.", ["reason"], () =>
    samples([], stats.rejected),
  );
  counter("ztna_takeovers_total", "Services that a newer connector took over.", () => stats.takeovers);
  counter("ztna_silent_peers_total", "Times that a peer was found not to answer.", () => stats.peersSilent);
  counter("ztna_segments_clamped_total", "TCP handshakes whose segment size was lowered.", () => stats.segmentsClamped);
  page.addLabelled("counter", "ztna_answers_total", "Answers that the relay itself gave, by kind.", ["kind"], () =>
    samples([], stats.answers),
  );
  addHopMetrics(page, stats.hops);
  addServiceMetrics(page, () => relay.services());
  addEndpointMetrics(page, endpoint, socket);
  addDropMetric(page, () => [
    ...endpointDrops(quic, socket),
    ...Object.entries(stats.hops).flatMap(([hop, { dropped }]) => samples([hop], dropped)),
  ]);
}

function addHopMetrics(page: MetricsPage, hops: RelayFigures["stats"]["hops"]): void {
  const figures = ["received", "receivedBytes", "relayed", "relayedBytes"] as const;
  const names = {
    received: "datagrams_received",
    receivedBytes: "bytes_received",
    relayed: "datagrams_relayed",
    relayedBytes: "bytes_relayed",
  };
  for (const figure of figures) {
    page.addLabelled(
      "counter",
      `ztna_hop_${names[figure]}_total`,
      "Data by what its sender is registered as.",
      ["hop"],
      () => Object.entries(hops).map(([hop, one]) => [[hop], one[figure]] as const),
    );
  }
}

function addServiceMetrics(page: MetricsPage, services: () => readonly ServiceFigures[]): void {
  const each = (of: (service: ServiceFigures) => number) => () =>
    services().map((service) => [[service.service], of(service)] as const);
  page.addLabelled("gauge", "ztna_service_connectors", "Connectors of a service, by state.", ["service", "state"], () =>
    services().flatMap(({ service, connectors, displaced, silent }) => [
      [[service, "serving"], connectors] as const,
      [[service, "displaced"], displaced] as const,
      [[service, "silent"], silent] as const,
    ]),
  );
  page.addLabelled(
    "gauge",
    "ztna_service_agents",
    "Agents of a service.",
    ["service"],
    each(({ agents }) => agents),
  );
  page.addLabelled(
    "gauge",
    "ztna_service_denied",
    "Registrations of a service refused lately.",
    ["service"],
    each(({ denied }) => denied),
  );
  page.addLabelled(
    "gauge",
    "ztna_service_datagrams_to_connectors",
    "Datagrams passed to the connectors of a service since it is known.",
    ["service"],
    each(({ datagramsToConnectors }) => datagramsToConnectors),
  );
  page.addLabelled(
    "gauge",
    "ztna_service_datagrams_to_agents",
    "Datagrams passed to the agents of a service since it is known.",
    ["service"],
    each(({ datagramsToAgents }) => datagramsToAgents),
  );
}
