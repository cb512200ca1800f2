// What an agent shows to scrapers about its local ports.
import { samples } from "./metrics-endpoint.ts";
import type { MetricsPage, Sample } from "./metrics-page.ts";

/** The counters of local flows, as far as they are shown. */
export interface LocalFigures {
  readonly stats: {
    readonly accepted: number;
    readonly opened: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly received: number;
    readonly forwarded: number;
    readonly forwardedBytes: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly replies: number;
    readonly repliesBytes: number;
    readonly flowsOpened: number;
    readonly flowsEvicted: number;
  };
  readonly gauges: { readonly connections: number; readonly flows: number; readonly associations: number };
  readonly tcpStats: Readonly<Record<string, number>>;
}

export function addLocalMetrics(page: MetricsPage, local: LocalFigures): void {
  const { stats } = local;
  const counter = (name: string, help: string, read: () => number) =>
    page.add("counter", `ztna_agent_local_${name}_total`, help, read);
  counter("connections_accepted", "Connections of local programs.", () => stats.accepted);
  counter("connections_opened", "Those that reached their service.", () => stats.opened);
  page.addLabelled("counter", "ztna_agent_local_refused_total", "Those that led nowhere, by reason.", ["reason"], () =>
    samples([], stats.refused),
  );
  counter("datagrams_received", "Datagrams of local programs.", () => stats.received);
  counter("datagrams_forwarded", "Those passed on.", () => stats.forwarded);
  counter("datagrams_forwarded_bytes", "Bytes of those payloads.", () => stats.forwardedBytes);
  counter("replies", "Datagrams given to local programs.", () => stats.replies);
  counter("replies_bytes", "Bytes of those payloads.", () => stats.repliesBytes);
  counter("flows_opened", "UDP flows opened.", () => stats.flowsOpened);
  counter("flows_evicted", "UDP flows that made room for newer ones.", () => stats.flowsEvicted);
  page.addLabelled(
    "gauge",
    "ztna_agent_local_open",
    "What local programs have open now: connections, UDP flows, SOCKS5's UDP associations.",
    ["kind"],
    () => samples([], { ...local.gauges }),
  );
  page.addLabelled("counter", "ztna_agent_local_tcp_total", "Segments of TCP inside the tunnel.", ["event"], () =>
    samples([], local.tcpStats),
  );
}

/** Datagrams of programs, and for them: `undelivered`. */
export function localDrops({ stats }: LocalFigures, undelivered: number): readonly Sample[] {
  return [...samples(["local-port"], stats.dropped), ...samples(["local-program"], { "send-blocked": undelivered })];
}
