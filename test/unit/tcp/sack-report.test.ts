// What the peer is told of early bytes.
import { expect, test } from "bun:test";
import { ByteRanges } from "../../../src/tcp/byte-ranges.ts";
import { SackReport } from "../../../src/tcp/sack-report.ts";
import { TcpOptions } from "../../../src/wire/tcp-options.ts";

function early(...arrivals: [number, number][]) {
  const [report, ranges] = [new SackReport(), new ByteRanges(100)];
  const arrive = (start: number, end: number) => {
    ranges.add(start, end);
    report.early(start, ranges);
  };
  const segment = (most = 4) => {
    const options = new TcpOptions();
    report.fill(options, ranges, 0, most);
    return Array.from({ length: options.sackBlocks }, (_, i) => [...options.sackEdges.subarray(i * 2, i * 2 + 2)]);
  };
  for (const [start, end] of arrivals) arrive(start, end);
  return { report, ranges, arrive, segment };
}

test("the latest block comes first, then those told of before", () => {
  const { report, arrive, segment } = early([10, 20]);
  expect(segment()).toEqual([[10, 20]]);
  report.sent();
  arrive(30, 40);
  expect(segment()).toEqual([
    [30, 40],
    [10, 20],
  ]);
  report.sent();
  arrive(20, 25);
  expect(segment()).toEqual([
    [10, 25],
    [30, 40],
  ]);
});

test("nothing counts as told before the segment has left", () => {
  const { report, segment } = early([10, 20]);
  report.duplicate(1, 5);
  expect(segment()).toEqual([
    [1, 5],
    [10, 20],
  ]);
  expect(segment()).toEqual([
    [1, 5],
    [10, 20],
  ]);
  report.sent();
  expect(segment()).toEqual([[10, 20]]);
});

test("more news than fit need several segments, the earliest in the first", () => {
  const { report, segment } = early([10, 11], [20, 21], [30, 31], [40, 41], [50, 51]);
  expect([segment(3), report.hasMore]).toEqual([
    [
      [30, 31],
      [20, 21],
      [10, 11],
    ],
    true,
  ]);
  report.sent();
  expect(report.hasMore).toBe(true);
  expect(segment(3)).toEqual([
    [50, 51],
    [40, 41],
    [30, 31],
  ]);
  report.sent();
  expect(report.hasMore).toBe(false);
});

test("several duplicates need a segment each, and a flood of them is cut off", () => {
  const { report, segment } = early();
  for (let i = 1; i <= 100; i += 1) report.duplicate(i, i + 1);
  let told = 0;
  for (; report.hasMore; report.sent()) told += segment().length;
  expect(told).toBe(8);
});

test("a flood of blocks is told of as far as it is remembered, the latest always", () => {
  const { report, arrive, segment } = early();
  for (let i = 0; i < 100; i += 1) arrive(1_000 - i * 10, 1_001 - i * 10);
  let segments = 0;
  let last: number[][] = [];
  for (; report.hasMore; report.sent()) {
    last = segment();
    segments += 1;
  }
  expect([segments, last[0]]).toEqual([16, [10, 11]]);
});

test("without gaps nothing is left to tell", () => {
  const { report, ranges, segment } = early([10, 20], [30, 40]);
  ranges.clear();
  expect([segment(), report.hasMore]).toEqual([[], false]);
});
