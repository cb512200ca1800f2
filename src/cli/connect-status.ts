// What the connector tells `ztna status`.
import type { Connector } from "../connector/connector.ts";
import type { ServiceEntry } from "../connector/services.ts";
import { formatIpv4 } from "../wire/address.ts";
import { commonStatus, type DaemonFacts, MAX_SERVICES } from "./daemon-status.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";
import type { ConnectorStatus } from "./status-document.ts";

export interface ConnectorStatusParts {
  readonly connector: Connector;
  readonly entries: readonly ServiceEntry[];
  /** Sockets to backends, also those that are being opened. */
  readonly backends: { readonly size: number };
  readonly relay: HostPort;
}

export function connectorStatus(parts: ConnectorStatusParts, facts: DaemonFacts): ConnectorStatus {
  const { connector, backends, relay } = parts;
  return {
    command: "connect",
    ...commonStatus(facts, connector.stats.hops),
    relay: { server: hostPortText(relay) },
    services: serviceStatus(parts),
    service_count: new Set(parts.entries.map(({ id }) => id)).size,
    tcp_sessions: connector.sessionCount,
    udp_flows: connector.flowCount,
    backend_sockets: backends.size,
    backend_failures: { ...connector.stats.backendFailures },
  };
}

function serviceStatus({ connector, entries }: ConnectorStatusParts): ConnectorStatus["services"] {
  const entriesOf = Map.groupBy(entries, ({ id }) => id);
  return [...connector.status()]
    .slice(0, MAX_SERVICES)
    .map(({ service, connection, registration, reason, maxDatagram, reconnections }) => ({
      service,
      virtual_ip: virtualIpText(entriesOf.get(service)?.[0]),
      connection,
      state: registration,
      reason: reason ?? null,
      largest_packet: maxDatagram,
      reconnections,
      backends: (entriesOf.get(service) ?? []).slice(0, MAX_BACKENDS).map(backendText),
      backend_failure: connector.backendFailure(service) ?? null,
    }));
}

/** The same for all entries of a service. */
function virtualIpText(entry: ServiceEntry | undefined): string | null {
  return entry?.virtualIp === undefined ? null : formatIpv4(entry.virtualIp);
}

function backendText({ backend: { host, port }, protocol }: ServiceEntry): string {
  // Echo is answered by the connector itself.
  if (protocol === "icmp") return "echo";
  const address = port === undefined ? host : hostPortText({ host, port });
  return protocol === undefined ? address : `${address}/${protocol}`;
}

/** Of one service: with as many services as are shown, it still fits what `ztna status` reads. */
const MAX_BACKENDS = 8;
