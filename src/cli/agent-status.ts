// What the agent tells `ztna status`: everything that is known in one place, read when it is asked for.
import type { Agent } from "../agent/agent.ts";
import type { Tun } from "../runtime/tun.ts";
import { formatIpv4 } from "../wire/address.ts";
import { commonStatus, type DaemonFacts } from "./daemon-status.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";
import type { AgentStatus } from "./status-document.ts";

export interface AgentStatusParts {
  readonly agent: Agent;
  readonly tun: Tun | undefined;
  readonly relay: HostPort;
}

export function agentStatus(parts: AgentStatusParts, facts: DaemonFacts): AgentStatus {
  const { agent } = parts;
  return {
    command: "agent",
    ...commonStatus(facts, agent.stats.hops),
    relay: relayStatus(parts),
    tun: tunStatus(parts),
    services: [...agent.status()].map(({ service, virtualIp, registration, reason, maxPacket }) => ({
      service,
      virtual_ip: formatIpv4(virtualIp),
      state: registration,
      reason: reason ?? null,
      largest_packet: maxPacket,
    })),
  };
}

function relayStatus({ agent: { uplink, relayAddress }, relay }: AgentStatusParts): AgentStatus["relay"] {
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

function tunStatus({ tun }: AgentStatusParts): AgentStatus["tun"] {
  return tun === undefined ? null : { name: tun.name, address: formatIpv4(tun.address), mtu: tun.mtu };
}
