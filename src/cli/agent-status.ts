// What the agent tells `ztna status`: everything that is known in one place, read when it is asked for.
import { version } from "../../package.json";
import type { Agent } from "../agent/agent.ts";
import type { Tun } from "../runtime/tun.ts";
import { formatIpv4 } from "../wire/address.ts";
import { type ClientCredentials, credentialDates } from "./client-credentials.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";
import type { StatusDocument } from "./status-document.ts";

export interface AgentStatusParts {
  readonly agent: Agent;
  readonly tun: Tun | undefined;
  readonly relay: HostPort;
  readonly credentials: ClientCredentials;
  readonly notReady: string | undefined;
  readonly uptimeSeconds: number;
}

export function agentStatus(parts: AgentStatusParts, wallNow: number): StatusDocument {
  const { agent, credentials, notReady, uptimeSeconds } = parts;
  return {
    schema_version: 1,
    command: "agent",
    pid: process.pid,
    version,
    uptime_seconds: uptimeSeconds,
    not_ready: notReady ?? null,
    relay: relayStatus(parts),
    tun: tunStatus(parts),
    services: [...agent.status()].map(({ service, virtualIp, registration, reason, maxPacket }) => ({
      service,
      virtual_ip: formatIpv4(virtualIp),
      state: registration,
      reason: reason ?? null,
      largest_packet: maxPacket,
    })),
    hops: Object.entries(agent.stats.hops).map(([hop, { received, forwarded, dropped }]) => ({
      hop,
      received,
      forwarded,
      dropped: { ...dropped } as Record<string, number>,
    })),
    credentials: credentialDates(credentials).map(({ certificate, notAfter }) => ({
      certificate,
      not_after: new Date(notAfter).toISOString(),
      days: Math.floor((notAfter - wallNow) / DAY_MS),
    })),
  };
}

function relayStatus({ agent: { uplink, relayAddress }, relay }: AgentStatusParts): StatusDocument["relay"] {
  const { observedAddress: observed } = uplink;
  return {
    server: hostPortText(relay),
    state: uplink.state,
    address: relayAddress === undefined ? null : hostPortText(relayAddress),
    observed_address: observed === undefined ? null : `${formatIpv4(observed.address)}:${observed.port}`,
    largest_datagram: uplink.maxDatagram,
    reconnections: uplink.stats.reconnections,
  };
}

function tunStatus({ tun }: AgentStatusParts): StatusDocument["tun"] {
  return tun === undefined ? null : { name: tun.name, address: formatIpv4(tun.address), mtu: tun.mtu };
}

const DAY_MS = 86_400_000;
