// Delays grow to a cap, start again after a reset, and chance only shortens them.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Backoff } from "../../../src/core/backoff.ts";

const WITHOUT_CHANCE = { initialMs: 1_000, maxMs: 30_000, factor: 2, jitter: 0 };

describe("Backoff", () => {
  test("delays double up to the cap", () => {
    const backoff = new Backoff(WITHOUT_CHANCE, () => 0.5);
    const delays = Array.from({ length: 7 }, () => backoff.next());
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(backoff.attempts).toBe(7);
  });

  test("a reset starts again with the first delay", () => {
    const backoff = new Backoff(WITHOUT_CHANCE, () => 0);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.attempts).toBe(0);
    expect(backoff.next()).toBe(1_000);
  });

  test("stays at the cap for ever", () => {
    const backoff = new Backoff(WITHOUT_CHANCE, () => 0);
    for (let i = 0; i < 5_000; i += 1) backoff.next();
    expect(backoff.next()).toBe(30_000);
  });

  test("jitter takes away at most its share", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(chance, { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rolls, jitter) => {
          const left = [...rolls];
          const backoff = new Backoff({ ...WITHOUT_CHANCE, jitter }, () => left.shift() as number);
          for (const [attempt] of rolls.entries()) {
            const longest = Math.min(30_000, 1_000 * 2 ** attempt);
            const delay = backoff.next();
            expect(delay).toBeLessThanOrEqual(longest);
            expect(delay).toBeGreaterThanOrEqual(longest * (1 - jitter) - 1e-6);
          }
        },
      ),
    );
    const half = new Backoff({ ...WITHOUT_CHANCE, jitter: 0.5 }, () => 0.5);
    expect(half.next()).toBe(750);
  });

  test("a first delay of nothing would never grow: it is a bug and throws", () => {
    expect(() => new Backoff({ ...WITHOUT_CHANCE, initialMs: 0 }, () => 0)).toThrow(RangeError);
  });
});
