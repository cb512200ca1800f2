// Sums over the hops, under the names that metrics know.
import { expect, test } from "bun:test";
import { RelayStats } from "../../../src/relay/stats.ts";

test("totals are the sums over all hops", () => {
  const stats = new RelayStats();
  for (const [weight, hop] of [
    [1, "agent"],
    [10, "connector"],
    [100, "unregistered"],
  ] as const) {
    stats.hops[hop].relayed = 2 * weight;
    stats.hops[hop].relayedBytes = 3 * weight;
    stats.hops[hop].dropped["queue-full"] = 4 * weight;
  }
  stats.rejected.malformed = 5;
  stats.rejected.rate = 6;
  expect(stats.datagramsRelayed).toBe(222);
  expect(stats.relayBytes).toBe(333);
  expect(stats.dropped["queue-full"]).toBe(444);
  expect(stats.dropped.fragment).toBe(0);
  expect(stats.registrationRejections).toBe(11);
  expect(stats.signalingSessions).toBe(0);
});
