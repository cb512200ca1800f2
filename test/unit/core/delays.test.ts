// Quantiles of delays against those of the sorted samples.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Delays } from "../../../src/core/delays.ts";

test("a quantile is that of the samples, up to a step of ten microseconds", () => {
  const samples = fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(samples, fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1), (us, part) => {
      const delays = new Delays();
      for (const sample of us) delays.add(sample / 1000);
      const exact = us.toSorted((a, b) => a - b)[Math.ceil(part * us.length) - 1]!;
      expect(Math.abs(delays.quantile(part) - exact)).toBeLessThanOrEqual(11);
    }),
    { numRuns: 50 },
  );
});

test("whatever is longer than a second counts as one; a clock that went back as none", () => {
  const delays = new Delays();
  delays.add(5000);
  expect(delays.quantile(0.5)).toBe(1_000_000);
  delays.clear();
  expect(delays.quantile(0.5)).toBeNaN();
  delays.add(-1);
  expect(delays.quantile(0.5)).toBe(10);
});
