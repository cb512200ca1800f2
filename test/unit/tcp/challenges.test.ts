// Ten in five seconds, for each connection.
import { expect, test } from "bun:test";
import { Challenges } from "../../../src/tcp/challenges.ts";
import { newTcpStats } from "../../../src/tcp/stats.ts";

test("ten at once, then two a second, and both are counted", () => {
  const stats = newTcpStats();
  const challenges = new Challenges(stats);
  const allowed = (times: number, now: number) =>
    Array.from({ length: times }, () => challenges.allow(now)).filter(Boolean).length;
  expect([allowed(100, 1.5), allowed(100, 501.5), allowed(100, 2_501.5)]).toEqual([10, 1, 4]);
  expect([stats.challenges, stats.challengesSuppressed]).toEqual([15, 285]);
  expect(new Challenges(stats).allow(2_501.5)).toBe(true);
});
