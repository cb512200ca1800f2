// What is measured, part by part. Each adds rows to the report and points to the plots.
import { Bed, type Load, type Round, type Run } from "./bed.ts";
import type { BenchPki } from "./bench-pki.ts";
import type { RunResult } from "./driver.ts";
import { remarkOn } from "./losses.ts";
import { measureHandshakes } from "./quiche-hop.ts";
import { type Figure, figure, type Report } from "./report.ts";
import { measureTrips } from "./trips.ts";

export interface PartContext {
  readonly pki: BenchPki;
  readonly rounds: number;
  readonly seconds: number;
  /** Of the memory part. */
  readonly minutes: number;
  /** How the relay carries packets. */
  readonly io: string;
  readonly report: Report;
  readonly points: Point[];
}

export interface Point {
  readonly plot: "rate" | "agents" | "idle" | "delay";
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

export type PartName = "rates" | "agents" | "idle" | "io" | "capacity" | "trips" | "handshakes" | "memory";

export const PARTS: Readonly<Record<PartName, (context: PartContext) => Promise<void>>> = {
  rates: measureRates,
  agents: measureAgents,
  idle: measureIdle,
  io: measureIo,
  capacity: measureCapacity,
  trips: measureTrips,
  handshakes: measureHandshakePart,
  memory: measureMemory,
};

async function measureRates(context: PartContext): Promise<void> {
  const { pki, rounds, seconds, io, report, points } = context;
  await using bed = await Bed.start(pki, 1, "--io", io);
  const rates = [10_000, 20_000, 40_000, 60_000];
  const musts: Readonly<Record<number, string>> = { 10000: "≤ 9", 40000: "≤ 2.4", 60000: "≤ 2.0" };
  const measured = await inTurn(rates, rounds, (rate) => bed.round({ rate, seconds, bytes: 1200, agents: 1 }));
  for (const [rate, done] of measured) {
    reportRounds(report, `1 agent, ${rate}/s, 1200 bytes`, rate, done, musts[rate]);
    points.push({ plot: "rate", series: "relay", x: rate, y: median(done, "cpuUs") });
    points.push({ plot: "rate", series: "quiche alone", x: rate, y: median(done, "hopUs") });
    points.push({ plot: "delay", series: "p50", x: rate, y: median(done, "p50Us") });
    points.push({ plot: "delay", series: "p99", x: rate, y: median(done, "p99Us") });
  }
  const small = await inTurn([20_000], rounds, (rate) => bed.round({ rate, seconds, bytes: 64, agents: 1 }));
  for (const [rate, done] of small) reportRounds(report, `1 agent, ${rate}/s, 64 bytes`, rate, done);
}

async function measureAgents({ pki, rounds, seconds, io, report, points }: PartContext): Promise<void> {
  const counts = [1, 10, 100];
  await using bed = await Bed.start(pki, Math.max(...counts), "--io", io);
  const measured = await inTurn(counts, rounds, (agents) => bed.round({ rate: 40_000, seconds, bytes: 1200, agents }));
  for (const [agents, done] of measured) {
    reportRounds(report, `agents ${agents}, 40000/s, 1200 bytes`, 40_000, done, agents === 100 ? "≤ 3.5" : undefined);
    points.push({ plot: "agents", series: "relay", x: agents, y: median(done, "cpuUs") });
    points.push({ plot: "agents", series: "quiche alone", x: agents, y: median(done, "hopUs") });
  }
}

/** Relays with and without idle connections take turns. */
async function measureIdle({ pki, rounds, seconds, io, report, points }: PartContext): Promise<void> {
  const musts: Readonly<Record<number, string>> = { 1000: "≤ 1.10", 5000: "≤ 1.15" };
  await using stack = new AsyncDisposableStack();
  const beds = new Map<number, Bed>();
  for (const idle of [0, 1000, 5000]) {
    const bed = stack.use(await Bed.start(pki, 1, "--io", io));
    beds.set(idle, bed);
    if (idle === 0) continue;
    const { kib } = await bed.idle(idle);
    report.push({ measure: `memory per connection, ${idle} idle`, figure: figure([kib]), unit: "KiB", must: "≤ 40" });
  }
  const load: Load = { rate: 40_000, seconds, bytes: 1200, agents: 1 };
  const measured = await inTurn([...beds.keys()], rounds, (idle) => beds.get(idle)!.round(load));
  const alone = measured.get(0)!;
  for (const [idle, done] of measured) {
    points.push({ plot: "idle", series: "relay", x: idle, y: median(done, "cpuUs") });
    points.push({ plot: "idle", series: "quiche alone", x: idle, y: median(done, "hopUs") });
    if (idle === 0) continue;
    const cost = figure(done.map(({ cpuUs }, round) => cpuUs / alone[round]!.cpuUs));
    const measure = `cost with ${idle} idle connections to the cost with none, 40000/s`;
    report.push({ measure, figure: cost, unit: "×", must: musts[idle], remark: remarkOn(load.rate, done) });
  }
}

async function measureIo({ pki, rounds, seconds, report }: PartContext): Promise<void> {
  await using batched = await Bed.start(pki, 1, "--io", "linux");
  await using portable = await Bed.start(pki, 1, "--io", "portable");
  const beds = { linux: batched, portable };
  const load: Load = { rate: 40_000, seconds, bytes: 1200, agents: 1 };
  const measured = await inTurn(["linux", "portable"] as const, rounds, (io) => beds[io].round(load));
  const [linux, other] = [measured.get("linux")!, measured.get("portable")!];
  reportRounds(report, "portable socket, 40000/s, 1200 bytes", load.rate, other);
  const cost = figure(linux.map(({ cpuUs }, round) => cpuUs / other[round]!.cpuUs));
  report.push({ measure: "batched to portable socket, 40000/s", figure: cost, unit: "×", must: "≤ 0.5" });
}

/** The highest of a few rates that arrives with at most 0.1 % loss, in one of two tries: the machine may be busy for one. */
async function measureCapacity({ pki, io, report }: PartContext): Promise<void> {
  await using bed = await Bed.start(pki, 1, "--io", io);
  let best = 0;
  let remark: string | undefined;
  for (const rate of CAPACITY_RATES) {
    const tries: Run[] = [];
    while (tries.length < CAPACITY_TRIES && !tries.some((run) => isCarried(run, rate))) {
      tries.push(await bed.run({ rate, seconds: CAPACITY_SECONDS, bytes: 1200, agents: 1 }));
    }
    const carried = tries.find((run) => isCarried(run, rate));
    if (carried === undefined) {
      remark = `not ${rate}/s: ${remarkOn(rate, tries) ?? "lost on the way"}`;
      break;
    }
    best = carried.received / carried.seconds;
  }
  const measure = `highest rate with ≤ 0.1 % loss over ${CAPACITY_SECONDS} s`;
  report.push({ measure, figure: figure([best]), unit: "datagrams/s", must: "≥ 60000", remark });
}

function isCarried({ sent, received, seconds, lostPart }: Run, rate: number): boolean {
  return received > 0 && lostPart <= 0.001 && sent / seconds >= 0.98 * rate;
}

async function measureHandshakePart({ pki, io, report }: PartContext): Promise<void> {
  await using bed = await Bed.start(pki, 1, "--io", io);
  const { perSecond, cpuUs } = await bed.idle(1000);
  const unit = "per s, both ends on this machine";
  report.push({ measure: "handshakes with Retry and client certificates", figure: figure([perSecond]), unit });
  report.push({ measure: "relay CPU per handshake", figure: figure([cpuUs]), unit: "µs" });
  const inMemory = figure([measureHandshakes(pki, 200)]);
  report.push({ measure: "handshake in memory, both ends", figure: inMemory, unit: "ms" });
}

async function measureMemory({ pki, io, minutes, report }: PartContext): Promise<void> {
  await using bed = await Bed.start(pki, 1, "--io", io);
  const [resident, least]: [number[], number[]] = [[], []];
  let [sent, received] = [0, 0];
  for (let minute = 0; minute < minutes; minute++) {
    // Garbage comes and goes within seconds: one look would tell when it was collected last.
    const looks: number[] = [];
    const timer = setInterval(() => looks.push(bed.relay.residentKib() / 1024), 1_000);
    const run = await bed.driver.command<RunResult>("run 40000 60 1200 1");
    clearInterval(timer);
    sent += run.sent;
    received += run.received;
    resident.push(figure(looks).median);
    least.push(Math.min(...looks));
  }
  await bed.relay.checkAccounts();
  report.push({ measure: "resident memory at 40000/s, each minute", figure: figure(resident), unit: "MiB" });
  const growth = figure([resident[resident.length - 1]! / resident[0]!]);
  report.push({ measure: `memory after ${minutes} minutes to after one`, figure: growth, unit: "×", must: "≤ 1.05" });
  report.push({ measure: "the least of each minute, without garbage", figure: figure(least), unit: "MiB" });
  const kept = figure([least[least.length - 1]! / least[0]!]);
  report.push({ measure: `least of minute ${minutes} to that of the first`, figure: kept, unit: "×" });
  report.push({ measure: "lost in that time", figure: figure([(sent - received) / sent]), unit: "of 1" });
}

/** Rounds of everything that is compared, one of each at a time. */
async function inTurn<K>(
  keys: readonly K[],
  rounds: number,
  once: (key: K) => Promise<Round>,
): Promise<Map<K, Round[]>> {
  const done = new Map<K, Round[]>(keys.map((key) => [key, []]));
  for (let round = 0; round < rounds; round++) {
    // Each begins in its turn: who always comes after the others would be measured on a warmer or a colder machine.
    const first = round % keys.length;
    for (const key of [...keys.slice(first), ...keys.slice(0, first)]) done.get(key)!.push(await once(key));
  }
  return done;
}

function reportRounds(report: Report, name: string, rate: number, rounds: readonly Round[], must?: string): void {
  const remark = remarkOn(rate, rounds);
  const of = (part: (round: Round) => number): Figure => figure(rounds.map(part));
  report.push({ measure: `${name}: relay CPU`, figure: of(({ cpuUs }) => cpuUs), unit: "µs per datagram" });
  report.push({ measure: `${name}: in-memory hop`, figure: of(({ hopUs }) => hopUs), unit: "µs per datagram" });
  report.push({ measure: `${name}: ratio`, figure: of(({ ratio }) => ratio), unit: "×", must });
  report.push({ measure: `${name}: offered`, figure: of((run) => run.sent / run.seconds), unit: "datagrams/s" });
  report.push({ measure: `${name}: lost`, figure: of(({ lostPart }) => lostPart * 100), unit: "%", remark });
  report.push({ measure: `${name}: one way, p50`, figure: of(({ p50Us }) => p50Us), unit: "µs" });
}

function median(rounds: readonly Round[], part: "cpuUs" | "hopUs" | "p50Us" | "p99Us"): number {
  return figure(rounds.map((round) => round[part])).median;
}

const CAPACITY_RATES = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 100_000];
const CAPACITY_TRIES = 2;
const CAPACITY_SECONDS = 5;
