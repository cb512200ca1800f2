// RFC 6582's view of the network: counts instead of blocks.
import { expect, test } from "bun:test";
import { DuplicateAcks } from "../../../src/tcp/duplicate-acks.ts";

test("the third proves a loss, and no other does", () => {
  const duplicates = new DuplicateAcks();
  expect([1, 2, 3, 4].map(() => duplicates.add(1_000, 10_000))).toEqual([false, false, true, false]);
  expect(duplicates.bytes).toBe(4_000);
});

test("never more has arrived than was on its way, but for the missing segment", () => {
  const duplicates = new DuplicateAcks();
  for (let i = 0; i < 100; i += 1) duplicates.add(1_000, 5_000);
  expect(duplicates.bytes).toBe(4_000);
  duplicates.clear();
  duplicates.add(1_000, 500);
  expect(duplicates.bytes).toBe(0);
});

test("new data was partly known to have arrived", () => {
  const duplicates = new DuplicateAcks();
  for (let i = 0; i < 4; i += 1) duplicates.add(1_000, 10_000);
  expect(duplicates.advance(3_000, 1_000)).toBe(1_000);
  expect([duplicates.bytes, duplicates.count]).toEqual([2_000, 0]);
  expect(duplicates.advance(500, 1_000)).toBe(500);
  expect(duplicates.advance(8_000, 1_000)).toBe(6_000);
  expect(duplicates.bytes).toBe(0);
});
