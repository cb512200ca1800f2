// Every stable reason code with what it means, who decided and how to fix it: what `ztna explain` says. The tables are
// complete by their types: a new code in a union of the program does not compile without its explanation.
import { FINDINGS } from "../pki/finding-catalogue.ts";
import { AGENT_DROPS, CONNECTOR_DROPS, PACKETS, RELAYED } from "./reasons-drops.ts";
import { LOCAL_CONNECTIONS, LOCAL_DATAGRAMS } from "./reasons-local.ts";
import { FILES, HANDSHAKES, REGISTRATIONS } from "./reasons-refusals.ts";

export interface Explanation {
  readonly meaning: string;
  readonly decidedBy: string;
  readonly fix: string;
}

/** Where a code is met. Some words are used in several places. */
export interface ReasonGroup {
  readonly name: string;
  /** Where it is seen. */
  readonly seen: string;
  readonly reasons: Readonly<Record<string, Explanation>>;
}

export const REASON_GROUPS: readonly ReasonGroup[] = [
  { name: "connections", seen: "closes, alerts, ztna_peers_refused_total", reasons: HANDSHAKES },
  { name: "registrations and backends", seen: "NACKs, logs, ztna_rejections_total", reasons: REGISTRATIONS },
  { name: "credential files", seen: "error messages, exit code 4", reasons: FILES },
  {
    name: "dropped packets",
    seen: "ztna_dropped_total, hops socket and packet; ztna status of the relay",
    reasons: PACKETS,
  },
  { name: "dropped datagrams", seen: "ztna_dropped_total, hops of relay and connector; ztna status", reasons: RELAYED },
  {
    name: "dropped by the connector",
    seen: "ztna_dropped_total of the connector, ztna status",
    reasons: CONNECTOR_DROPS,
  },
  { name: "dropped by the agent", seen: "ztna_dropped_total of the agent, ztna status", reasons: AGENT_DROPS },
  { name: "local connections", seen: "ztna_agent_local_refused_total, the agent's log", reasons: LOCAL_CONNECTIONS },
  { name: "local datagrams", seen: "ztna_dropped_total of the agent, hop local", reasons: LOCAL_DATAGRAMS },
  { name: "secrets", seen: "findings of validate-secrets", reasons: findings() },
];

function findings(): ReasonGroup["reasons"] {
  const explained = Object.entries(FINDINGS).map(([id, { cause, remedy }]): [string, Explanation] => [
    id,
    { meaning: cause, decidedBy: "validate-secrets", fix: remedy },
  ]);
  return Object.fromEntries(explained);
}

export interface Explained extends Explanation {
  readonly where: string;
  readonly seen: string;
}

/** Every meaning of a code; none when it is not one. */
export function explanationsOf(reason: string): readonly Explained[] {
  return REASON_GROUPS.flatMap(({ name, seen, reasons }) => {
    const explanation = Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
    return explanation === undefined ? [] : [{ where: name, seen, ...explanation }];
  });
}

export function allReasons(): readonly string[] {
  return [...new Set(REASON_GROUPS.flatMap(({ reasons }) => Object.keys(reasons)))];
}
