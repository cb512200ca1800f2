// The output lines of `ztna test-client`, as the reference client writes them: scripts read these. Ours for several
// agents at once follow the same form and replace what would be said for each of them.
import type { EchoResult } from "../agent/echo-check.ts";
import type { LedgerResult } from "../agent/echo-ledger.ts";
import type { BurstResult, ProbeEvent, ProbeReport } from "../agent/probe-output.ts";
import { type RttResult, rttStatistics } from "../agent/rtt-statistics.ts";
import { toHex } from "../wire/bytes.ts";

export interface LineOptions {
  readonly measureHandshake: boolean;
  readonly queryMaxSize: boolean;
  readonly verifyEcho: boolean;
}

/** What one agent's event says at once; nothing for most. */
export function eventLines(event: ProbeEvent, options: LineOptions): readonly string[] {
  switch (event.type) {
    case "handshake":
      return options.measureHandshake ? [`HANDSHAKE_US:${event.micros}`] : [];
    case "sizes":
      return options.queryMaxSize ? [`MAX_DGRAM_SIZE:${event.datagram}`, `MAX_UDP_PAYLOAD:${event.payload}`] : [];
    case "received":
      return [`RECV:${toHex(event.bytes)}`];
    case "burst":
      return burstLines(event.burst);
    case "rtt":
      return rttLines(event.rtt);
    case "finished":
      return verificationLines(event.report, options);
    case "prompt":
    case "closed":
      return [];
  }
}

/** What several agents have to say together, once all have finished. */
export function fleetLines(
  reports: readonly ProbeReport[],
  sizes: readonly Extract<ProbeEvent, { type: "sizes" }>[],
  options: LineOptions,
): readonly string[] {
  const lines = [`AGENTS:${reports.length}`];
  if (options.measureHandshake) {
    for (const { handshake } of reports) if (handshake?.done) lines.push(`HANDSHAKE_US:${handshake.micros}`);
  }
  if (options.queryMaxSize && sizes.length > 0) {
    lines.push(`MAX_DGRAM_SIZE:${Math.min(...sizes.map(({ datagram }) => datagram))}`);
    lines.push(`MAX_UDP_PAYLOAD:${Math.min(...sizes.map(({ payload }) => payload))}`);
  }
  const total = totals(reports);
  if (total.burst !== undefined) lines.push(...burstLines(total.burst));
  if (total.rtt !== undefined) lines.push(...rttLines(total.rtt));
  return [...lines, ...ledgerLines(total.ledger), ...verificationLines(total, options)];
}

export interface Totals {
  readonly burst?: BurstResult;
  readonly rtt?: RttResult;
  readonly echo?: EchoResult;
  readonly ledger?: LedgerResult;
}

/** Over all agents; a burst lasts as long as the longest of them. */
export function totals(reports: readonly ProbeReport[]): Totals {
  const bursts = present(reports.map(({ burst }) => burst));
  const rtts = present(reports.map(({ rtt }) => rtt));
  const echoes = present(reports.map(({ echo }) => echo));
  const ledgers = present(reports.map(({ ledger }) => ledger));
  return {
    ...(bursts.length > 0 && {
      burst: { sent: sum(bursts, "sent"), micros: Math.max(...bursts.map(({ micros }) => micros)) },
    }),
    ...(rtts.length > 0 && {
      rtt: { samples: rtts.flatMap(({ samples }) => samples), timeouts: sum(rtts, "timeouts") },
    }),
    ...(echoes.length > 0 && {
      echo: { matches: sum(echoes, "matches"), mismatches: sum(echoes, "mismatches"), total: sum(echoes, "total") },
    }),
    ...(ledgers.length > 0 && { ledger: sumOfLedgers(ledgers) }),
  };
}

export function isEven({ lost, duplicate, foreign, corrupt }: LedgerResult): boolean {
  return lost + duplicate + foreign + corrupt === 0;
}

export function packetsPerSecond({ sent, micros }: BurstResult): string {
  return ((sent * 1e6) / Math.max(1, micros)).toFixed(1);
}

function burstLines(burst: BurstResult): readonly string[] {
  return [`BURST_SENT:${burst.sent}`, `BURST_PPS:${packetsPerSecond(burst)}`];
}

function rttLines(rtt: RttResult): readonly string[] {
  const { count, timeouts, figures } = rttStatistics(rtt);
  const lines = [`RTT_COUNT:${count}`, `RTT_TIMEOUTS:${timeouts}`];
  for (const [name, micros] of Object.entries(figures ?? {})) lines.push(`RTT_${name.toUpperCase()}_US:${micros}`);
  return lines;
}

function ledgerLines(ledger: LedgerResult | undefined): readonly string[] {
  return Object.entries(ledger ?? {}).map(([name, number]) => `${name.toUpperCase()}:${number}`);
}

function verificationLines({ echo, ledger }: Totals, { verifyEcho }: LineOptions): readonly string[] {
  if (!verifyEcho) return [];
  if (echo !== undefined) return verifyLines(echo, echo.mismatches === 0);
  if (ledger === undefined) return [];
  const { sent, returned, lost } = ledger;
  return verifyLines({ matches: returned, mismatches: lost, total: sent }, isEven(ledger));
}

function verifyLines({ matches, mismatches, total }: EchoResult, passed: boolean): readonly string[] {
  return [
    `VERIFY_MATCHES:${matches}`,
    `VERIFY_MISMATCHES:${mismatches}`,
    `VERIFY_TOTAL:${total}`,
    `VERIFY_RESULT:${passed ? "PASS" : "FAIL"}`,
  ];
}

function sumOfLedgers(ledgers: readonly LedgerResult[]): LedgerResult {
  return {
    sent: sum(ledgers, "sent"),
    returned: sum(ledgers, "returned"),
    lost: sum(ledgers, "lost"),
    duplicate: sum(ledgers, "duplicate"),
    foreign: sum(ledgers, "foreign"),
    corrupt: sum(ledgers, "corrupt"),
  };
}

function sum<Field extends string>(items: readonly Readonly<Record<Field, number>>[], field: Field): number {
  return items.reduce((total, item) => total + item[field], 0);
}

function present<T>(values: readonly (T | undefined)[]): readonly T[] {
  return values.filter((value) => value !== undefined);
}
