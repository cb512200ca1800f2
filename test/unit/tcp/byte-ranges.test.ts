// Ranges against the obvious model, a set of bytes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteRanges } from "../../../src/tcp/byte-ranges.ts";

const pairs = (ranges: ByteRanges) => ranges.starts.map((start, i) => [start, ranges.ends[i]]);

test("touching and overlapping ranges become one", () => {
  const ranges = new ByteRanges(8);
  for (const [start, end] of [
    [10, 20],
    [30, 40],
    [50, 60],
    [20, 30],
  ] as const)
    expect(ranges.add(start, end)).toBe(true);
  expect(pairs(ranges)).toEqual([
    [10, 40],
    [50, 60],
  ]);
  ranges.add(5, 100);
  expect(pairs(ranges)).toEqual([[5, 100]]);
});

test("the limit holds for what needs a further range, and for nothing else", () => {
  const ranges = new ByteRanges(2);
  ranges.add(10, 20);
  ranges.add(30, 40);
  expect(ranges.add(50, 60)).toBe(false);
  expect(ranges.add(40, 45)).toBe(true);
  expect(ranges.add(15, 35)).toBe(true);
  expect(pairs(ranges)).toEqual([[10, 45]]);
});

test("joinTo() takes what the stream reaches, and all that follows without a gap", () => {
  const ranges = new ByteRanges(8);
  ranges.add(10, 20);
  ranges.add(30, 40);
  expect(ranges.joinTo(9)).toBe(9);
  expect(ranges.joinTo(10)).toBe(20);
  expect(ranges.joinTo(35)).toBe(40);
  expect(ranges.count).toBe(0);
});

test("find() names the range that holds all of it", () => {
  const ranges = new ByteRanges(8);
  ranges.add(10, 20);
  ranges.add(30, 40);
  expect([ranges.find(10, 20), ranges.find(39, 40), ranges.find(15, 35), ranges.find(20, 21)]).toEqual([0, 1, -1, -1]);
});

test("any additions hold exactly the bytes that were added, sorted and apart", () => {
  const addition = fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 40 }), (additions) => {
      const ranges = new ByteRanges(1_000);
      const model = new Set<number>();
      for (const [start, length] of additions) {
        ranges.add(start, start + length);
        for (let at = start; at < start + length; at += 1) model.add(at);
      }
      const held = pairs(ranges).flatMap(([start, end]) => Array.from({ length: end! - start! }, (_, i) => start! + i));
      expect(held).toEqual([...model].sort((a, b) => a - b));
      for (let i = 1; i < ranges.count; i += 1) expect(ranges.starts[i]).toBeGreaterThan(ranges.ends[i - 1]!);
    }),
  );
});
