// The window that we offer.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ReceiveWindow, shiftFor } from "../../../src/tcp/receive-window.ts";

test("the scale is the smallest with which the buffer can be told", () => {
  expect([1, 65_535, 65_536, 131_070, 131_071, 1 << 20, 2 ** 40].map(shiftFor)).toEqual([0, 0, 1, 1, 2, 5, 14]);
});

test("is what the buffer has room for, at most what the header can say", () => {
  const window = new ReceiveWindow(1 << 20);
  expect(window.offer(1, 1 + (1 << 20), 1_000, true)).toBe(65_535);
  window.shift = 5;
  expect(window.offer(1, 1 + (1 << 20), 1_000, true)).toBe(65_535);
  expect(window.offer(1, 1 + (1 << 20), 1_000, false)).toBe(32_768);
  expect(window.edge).toBe(1 + (1 << 20));
});

test("opens by a segment or half the buffer, not by less", () => {
  const window = new ReceiveWindow(10_000);
  window.offer(1, 10_001, 1_000, false);
  expect(window.offer(10_001, 10_001 + 999, 1_000, false)).toBe(0);
  expect(window.offer(10_001, 10_001 + 1_000, 1_000, false)).toBe(1_000);
  const tiny = new ReceiveWindow(10);
  tiny.offer(1, 11, 1_000, false);
  expect(tiny.offer(11, 15, 1_000, false)).toBe(0);
  expect(tiny.offer(11, 16, 1_000, false)).toBe(5);
});

test("is worth an update of its own when it was nearly closed or a quarter came free", () => {
  const window = new ReceiveWindow(100_000);
  window.offer(1, 60_001, 1_000, false);
  expect(window.isUpdateDue(1, 65_000, 1_000)).toBe(false);
  expect(window.isUpdateDue(1, 65_536 + 17_000, 1_000)).toBe(false); // the header can tell no more
  expect(window.isUpdateDue(30_001, 80_001, 1_000)).toBe(true);
  expect(window.isUpdateDue(59_000, 61_001, 1_000)).toBe(true);
  expect(window.isUpdateDue(59_000, 60_900, 1_000)).toBe(false);
});

test("never takes back what it offered, but for the grain of the scale, and never offers more than there is", () => {
  const step = fc.tuple(fc.nat(3_000), fc.nat(3_000));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300_000 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const window = new ReceiveWindow(capacity);
      window.shift = shiftFor(capacity);
      let next = 1;
      let first = 1;
      let seen = 0;
      for (const [arrived, consumed] of steps) {
        const field = window.offer(next, first + capacity, 1_000, false);
        const edge = next + field * 2 ** window.shift;
        expect(edge).toBeLessThanOrEqual(first + capacity);
        expect(edge).toBeGreaterThan(seen - 2 ** window.shift);
        seen = Math.max(seen, edge);
        next = Math.min(next + arrived, window.edge);
        first = Math.min(first + consumed, next);
      }
    }),
  );
});
