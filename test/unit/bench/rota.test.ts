// Each connection of the benchmark's driver has to say that it lives, at whatever moments the driver finds time.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Rota } from "../../bench/rota.ts";

test("everybody has a turn in each period, however long the pauses between questions are", () => {
  const gaps = fc.array(fc.double({ min: 0.1, max: 20, noNaN: true }), { minLength: 2000, maxLength: 2000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), gaps, (members, pauses) => {
      const rota = new Rota(PERIOD_MS, 0);
      const servedAt = new Float64Array(members);
      let [now, longestMs] = [0, 0];
      for (const pause of pauses) {
        now += pause;
        for (let i = rota.take(members, now); i > 0; i--) {
          const member = rota.next(members);
          longestMs = Math.max(longestMs, now - servedAt[member]!);
          servedAt[member] = now;
        }
      }
      longestMs = Math.max(longestMs, ...servedAt.map((at) => now - at));
      expect(longestMs).toBeLessThanOrEqual(PERIOD_MS + 2 * 20 + PERIOD_MS / members);
    }),
    { numRuns: 20 },
  );
});

test("after a long sleep each is due once, not once for every period", () => {
  const rota = new Rota(PERIOD_MS, 0);
  expect(rota.take(10, 100 * PERIOD_MS)).toBe(10);
  expect(rota.take(10, 100 * PERIOD_MS)).toBeLessThanOrEqual(10);
  expect(rota.take(10, 100 * PERIOD_MS)).toBe(0);
});

const PERIOD_MS = 5000;
