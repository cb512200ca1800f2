// The comparison as a table: one block for each way that the bytes went, the first tunnel being the measure.
import type { Direction } from "./iperf.ts";
import { figure } from "./report.ts";
import type { RoundTrips } from "./round-trips.ts";
import { PLACES, type Place } from "./tunnel-network.ts";

export interface Way {
  readonly direction: Direction;
  readonly streams: number;
}

export interface Run extends Way {
  readonly megabitsPerSecond: number;
  /** Processor time of each process for a gigabyte (1e9 bytes) that TCP delivered. */
  readonly secondsPerGigabyte: Readonly<Record<Place, number>>;
  readonly roundTrips: RoundTrips;
}

export interface Measured {
  readonly name: string;
  /** With nothing else under way. */
  readonly idle: RoundTrips;
  /** In the order of rounds. */
  readonly runs: Run[];
}

export function showRivals(measured: readonly Measured[]): string {
  const first = measured[0];
  if (first === undefined) return "nothing was measured";
  const ways = [
    ...new Map(
      first.runs.map(({ direction, streams }) => [`${direction} ${streams}`, { direction, streams }]),
    ).values(),
  ];
  const rows = ways.flatMap((way) => measured.map((one) => row(way, one, runsOf(first, way))));
  const idle = measured.map(({ name, idle: { us } }) => `| ${name} | ${micros(us, 0.5)} | ${micros(us, 0.99)} |`);
  return [
    `| way, streams | tunnel | Mbit/s | × ${first.name} | CPU s/GB ${PLACES.join(" + ")} | round trip p50, p99 | lost |`,
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "| idle | round trip p50 | p99 |",
    "| --- | --- | --- |",
    ...idle,
  ].join("\n");
}

function row({ direction, streams }: Way, measured: Measured, measure: readonly Run[]): string {
  const runs = runsOf(measured, { direction, streams });
  const speed = figure(runs.map((run) => run.megabitsPerSecond));
  const ratio = figure(runs.map((run, round) => run.megabitsPerSecond / measure[round]!.megabitsPerSecond));
  const cpu = PLACES.map((place) => figure(runs.map((run) => run.secondsPerGigabyte[place])).median.toFixed(1));
  const us = runs.flatMap((run) => run.roundTrips.us).sort((a, b) => a - b);
  const sent = runs.reduce((sum, run) => sum + run.roundTrips.sent, 0);
  const cells = [
    `${direction}, ${streams}`,
    measured.name,
    `${speed.median.toFixed(0)} (${speed.min.toFixed(0)}–${speed.max.toFixed(0)})`,
    ratio.median.toFixed(2),
    cpu.join(" + "),
    `${micros(us, 0.5)}, ${micros(us, 0.99)}`,
    `${(((sent - us.length) * 100) / sent).toFixed(1)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function runsOf({ runs }: Measured, way: Way): readonly Run[] {
  return runs.filter(({ direction, streams }) => direction === way.direction && streams === way.streams);
}

function micros(sorted: readonly number[], part: number): string {
  const us = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return us === undefined ? "none" : `${(us / 1000).toFixed(2)} ms`;
}
