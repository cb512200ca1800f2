// `bun run bench`: what the relay costs, as ratios of one run. Rounds of the relay and of the in-memory hop alternate,
// because the machine's speed drifts; medians with their spread. Times are reported, never asserted.
import { parseArgs } from "node:util";
import { type BenchPki, benchPki } from "./bench-pki.ts";
import type { RunResult } from "./load.ts";
import { LoadProcess } from "./load-process.ts";
import { measureHandshakes, measureHop } from "./quiche-hop.ts";
import { RelayProcess } from "./relay-process.ts";
import { type Figure, figure, type Report, showReport } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    rate: { type: "string", default: "20000" },
    idle: { type: "string", default: "1000" },
    io: { type: "string", default: "auto" },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const RATE = Number(values.rate);
const IDLE = Number(values.idle);

interface PathFigures {
  readonly cpuUs: Figure;
  readonly hopUs: Figure;
  readonly ratio: Figure;
  readonly lostPart: Figure;
}

/** Relay and in-memory hop in turn. */
async function measurePath(pki: BenchPki, relay: RelayProcess, load: LoadProcess, bytes: number): Promise<PathFigures> {
  const [cpuUs, hopUs, lost]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    hopUs.push(measureHop(pki, bytes, HOP_DATAGRAMS));
    const before = relay.cpuUs();
    const { sent, received } = await load.command<RunResult>(`run ${RATE} ${SECONDS} ${bytes}`);
    cpuUs.push((relay.cpuUs() - before) / received);
    lost.push((sent - received) / sent);
  }
  const ratio = cpuUs.map((cpu, round) => cpu / hopUs[round]!);
  return { cpuUs: figure(cpuUs), hopUs: figure(hopUs), ratio: figure(ratio), lostPart: figure(lost) };
}

/** The highest of a few rates that arrives with at most 0.1 % loss. */
async function measureCapacity(load: LoadProcess): Promise<number> {
  let best = 0;
  for (const rate of CAPACITY_RATES) {
    const { sent, received, seconds } = await load.command<RunResult>(`run ${rate} ${SECONDS} 1200`);
    if ((sent - received) / sent > 0.001) break;
    best = received / seconds;
  }
  return best;
}

async function main(): Promise<void> {
  const pki = await benchPki();
  const report: Report = [];
  await using relay = await RelayProcess.start(pki, "--io", values.io);
  await using load = await LoadProcess.start(relay.port);
  await load.command("connect");
  measureHop(pki, 1200, HOP_DATAGRAMS); // the compiler's warm-up
  await load.command(`run ${RATE} 2 1200`);
  for (const bytes of [1200, 64]) {
    const path = await measurePath(pki, relay, load, bytes);
    report.push([`in-memory hop, ${bytes} bytes`, path.hopUs, "µs per datagram"]);
    report.push([`relay CPU at ${RATE}/s, ${bytes} bytes`, path.cpuUs, "µs per datagram"]);
    report.push([`ratio to the hop, ${bytes} bytes`, path.ratio, "×"]);
    report.push([`lost, ${bytes} bytes`, path.lostPart, "of 1"]);
  }
  report.push(["highest rate with ≤ 0.1 % loss, 1200 bytes", figure([await measureCapacity(load)]), "datagrams/s"]);
  const trips = await load.command<{ p50: number; p99: number }>(`rtt ${ROUND_TRIPS}`);
  report.push(["round trip, 256 bytes, p50", figure([trips.p50]), "µs"]);
  report.push(["round trip, 256 bytes, p99", figure([trips.p99]), "µs"]);
  await measureIdle(pki, relay, load, report);
  report.push(["handshake in memory, both ends", figure([measureHandshakes(pki, 200)]), "ms"]);
  console.log(values.json ? JSON.stringify({ schema_version: 1, report }) : showReport(report));
}

async function measureIdle(pki: BenchPki, relay: RelayProcess, load: LoadProcess, report: Report): Promise<void> {
  const alone = await measurePath(pki, relay, load, 1200);
  const memory = relay.residentKib();
  const before = relay.cpuUs();
  const { perSecond } = await load.command<{ perSecond: number }>(`handshakes ${IDLE}`);
  report.push([
    "handshakes with Retry and client certificates",
    figure([perSecond]),
    "per s, both ends on this machine",
  ]);
  report.push(["relay CPU per handshake", figure([(relay.cpuUs() - before) / IDLE]), "µs"]);
  report.push(["memory per idle connection", figure([(relay.residentKib() - memory) / IDLE]), "KiB"]);
  const crowded = await measurePath(pki, relay, load, 1200);
  report.push([`relay CPU with ${IDLE} idle connections`, crowded.cpuUs, "µs per datagram"]);
  const ratios = crowded.ratio.values.map((ratio, round) => ratio / alone.ratio.values[round]!);
  report.push([`cost with ${IDLE} idle connections to the cost with one`, figure(ratios), "×"]);
}

const HOP_DATAGRAMS = 30_000;
const ROUND_TRIPS = 2000;
const CAPACITY_RATES = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000];

await main();
