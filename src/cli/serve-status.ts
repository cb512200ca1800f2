// What the relay tells `ztna status`. It names services, and never a peer.
import type { Endpoint } from "../quic/endpoint.ts";
import type { Relay } from "../relay/relay.ts";
import type { UdpSocketStats } from "../runtime/udp-socket.ts";
import { commonStatus, type DaemonFacts, type HopFigures, MAX_SERVICES } from "./daemon-status.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";
import type { RelayStatus } from "./status-document.ts";

export interface RelayStatusParts {
  readonly relay: Relay;
  readonly endpoint: Pick<Endpoint, "stats" | "connections" | "halfOpen">;
  readonly socket: UdpSocketStats;
  readonly listening: readonly HostPort[];
}

export function relayStatus(parts: RelayStatusParts, facts: DaemonFacts): RelayStatus {
  const { relay, endpoint, listening } = parts;
  const services = relay.services(Number.POSITIVE_INFINITY);
  return {
    command: "serve",
    ...commonStatus(facts, hopFigures(parts)),
    listening: listening.map(hostPortText),
    connections: { open: endpoint.connections, half_open: endpoint.halfOpen, ...relay.roles() },
    datagrams_relayed: relay.stats.datagramsRelayed,
    bytes_relayed: relay.stats.relayBytes,
    services: services.slice(0, MAX_SERVICES).map(({ service, connectors, displaced, silent, agents, denied }) => ({
      service,
      connectors,
      displaced,
      silent,
      agents,
      denied,
    })),
    service_count: services.length,
  };
}

/** From the outside in: the kernel, packets, datagrams by what their sender is, the queues of connections. */
function hopFigures({ relay, endpoint: { stats }, socket }: RelayStatusParts): Record<string, HopFigures> {
  const { receivedPackets, acceptedPackets, dropped, datagramsTaken, datagramsSent, datagramsDropped } = stats;
  const { kernelDrops } = socket;
  const relayed = Object.entries(relay.stats.hops).map(
    ([hop, one]) => [hop, { received: one.received, forwarded: one.relayed, dropped: one.dropped }] as const,
  );
  return {
    socket: { received: receivedPackets + kernelDrops, forwarded: receivedPackets, dropped: { kernel: kernelDrops } },
    packet: { received: receivedPackets, forwarded: acceptedPackets, dropped },
    ...Object.fromEntries(relayed),
    queue: { received: datagramsTaken, forwarded: datagramsSent, dropped: datagramsDropped },
  };
}
