// The figures that are reported of round-trip times, computed as the reference client does.
import { expect, test } from "bun:test";
import { rttStatistics } from "../../../src/agent/rtt-statistics.ts";

test("says only how many there were when none succeeded", () => {
  expect(rttStatistics({ samples: [], timeouts: 10 })).toEqual({ count: 0, timeouts: 10 });
});

test("takes the sample at floor(count × p / 100) as a percentile, and rounds the mean down", () => {
  const samples = Array.from({ length: 100 }, (_, at) => 1000 - at * 10);
  const { count, figures } = rttStatistics({ samples, timeouts: 0 });
  expect(count).toBe(100);
  expect(figures).toEqual({ min: 10, max: 1000, avg: 505, p50: 510, p95: 960, p99: 1000 });
  expect(rttStatistics({ samples: [1, 2, 4], timeouts: 1 })).toEqual({
    count: 3,
    timeouts: 1,
    figures: { min: 1, max: 4, avg: 2, p50: 2, p95: 4, p99: 4 },
  });
});

test("tells the 99th percentile from the largest when there are enough samples", () => {
  const samples = Array.from({ length: 1000 }, (_, at) => at);
  expect(rttStatistics({ samples, timeouts: 0 }).figures).toMatchObject({ p50: 500, p95: 950, p99: 990, max: 999 });
});

test("sorts numbers as numbers", () => {
  expect(rttStatistics({ samples: [900, 1000, 20], timeouts: 0 }).figures).toMatchObject({
    min: 20,
    max: 1000,
    p50: 900,
  });
});
