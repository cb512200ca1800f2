// `bun test/bench/tcp-transfer.ts`: megabytes per second through two TCP connections of one process, without a tunnel:
// what the protocol itself costs, both ends together. Packets are handed over in batches, as a socket reads them.
import { parseArgs } from "node:util";
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionLimits } from "../../src/tcp/connection-options.ts";
import { PagePool } from "../../src/tcp/page-pool.ts";
import { figure, type Report, showReport } from "./report.ts";

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    mss: { type: "string", default: "1240" },
    json: { type: "boolean", default: false },
  },
});
const BYTES = Number(values.megabytes) * 1_000_000;
const ROUNDS = Number(values.rounds);
const MSS = Number(values.mss);

interface Run {
  readonly megabytesPerSecond: number;
  readonly microsecondsPerSegment: number;
  readonly acknowledgements: number;
}

/** One stream from a to b, as fast as it goes. `lossEvery`: one packet of so many is lost. */
function transfer(limits: Partial<ConnectionLimits>, lossEvery = 0): Run {
  const flow = { source: 0x6440_0001, sourcePort: 50_000, destination: 0x0a64_0002, destinationPort: 80 };
  const back = { source: flow.destination, sourcePort: 80, destination: flow.source, destinationPort: 50_000 };
  const pages = new PagePool(1 << 20);
  const a = new Connection({ flow, mss: MSS, initialSequence: 1, timestampOffset: 1, pages, ...limits });
  const b = new Connection({ flow: back, mss: MSS, initialSequence: 2, timestampOffset: 2, pages, ...limits });
  const batch = Array.from({ length: BATCH }, () => new Uint8Array(2_048));
  const lengths = new Uint16Array(BATCH);
  const data = new Uint8Array(CHUNK).fill(0x5a);
  let now = 1;
  let written = 0;
  let received = 0;
  let segments = 0;
  let acknowledgements = 0;
  let isFirst = true;
  const pass = (from: Connection, to: Connection): number => {
    let count = 0;
    while (count < BATCH) {
      const length = from.transmit(batch[count] as Uint8Array, 0, now);
      if (length === 0) break;
      lengths[count] = length;
      count += 1;
    }
    now += TURN_MS;
    for (let i = 0; i < count; i += 1) {
      const packet = (batch[i] as Uint8Array).subarray(0, lengths[i]);
      if (lossEvery > 0 && packet.length > 1_000 && ++segments % lossEvery === 0) continue;
      if (!isFirst) to.receive(packet, 0, now);
      else {
        isFirst = false;
        to.hold(packet, 0, now);
        to.accept();
      }
    }
    return count;
  };
  a.connect();
  const start = performance.now();
  while (received < BYTES) {
    while (written < BYTES && a.writable >= CHUNK) written += a.write(data, "given", now);
    let moved = pass(a, b);
    for (let view = b.read(); view.length > 0; view = b.read()) {
      received += view.length;
      b.consumed(view.length);
    }
    const acks = pass(b, a);
    acknowledgements += acks;
    moved += acks;
    if (moved === 0) now = Math.max(now, Math.min(a.deadline() ?? now + 1, b.deadline() ?? now + 1));
    a.handleTimeout(now);
    b.handleTimeout(now);
    while (a.poll() !== undefined || b.poll() !== undefined);
  }
  const elapsed = performance.now() - start;
  return {
    megabytesPerSecond: BYTES / 1_000 / elapsed,
    microsecondsPerSegment: (elapsed * 1_000) / (BYTES / MSS),
    acknowledgements: (acknowledgements * MSS) / BYTES,
  };
}

function measure(name: string, limits: Partial<ConnectionLimits>, lossEvery: number, report: Report): void {
  const runs = Array.from({ length: ROUNDS }, () => transfer(limits, lossEvery));
  report.push({
    measure: `${name}: throughput`,
    figure: figure(runs.map((run) => run.megabytesPerSecond)),
    unit: "MB/s",
  });
  report.push({
    measure: `${name}: time per segment`,
    figure: figure(runs.map((run) => run.microsecondsPerSegment)),
    unit: "µs",
  });
  report.push({
    measure: `${name}: acknowledgements per segment`,
    figure: figure(runs.map((run) => run.acknowledgements)),
    unit: "",
  });
}

const BATCH = 64;
const CHUNK = 64 * 1_024;
const TURN_MS = 0.25;

const report: Report = [];
transfer({});
measure("clean path", {}, 0, report);
measure("1 % loss", {}, 100, report);
measure("no options", { timestamps: false, selectiveAcks: false, windowScaling: false }, 0, report);
console.log(values.json ? JSON.stringify(report) : showReport(report));
