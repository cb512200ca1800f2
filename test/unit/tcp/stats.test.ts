// Counters begin at nothing, and every owner has its own.
import { expect, test } from "bun:test";
import { newTcpStats } from "../../../src/tcp/stats.ts";

test("all counters are 0, and two sets are two", () => {
  const stats = newTcpStats();
  expect(new Set(Object.values(stats))).toEqual(new Set([0]));
  stats.timeouts += 1;
  expect(newTcpStats().timeouts).toBe(0);
});
