// What counts as a queue that stands, how much of one is tolerated, and how long the path is remembered without it.
import { expect, test } from "bun:test";
import { StandingQueue } from "../../../src/tcp/standing-queue.ts";

/** One that lasts long enough, up to `end`. */
function round(queue: StandingQueue, end: number, ...rtts: readonly number[]): number | undefined {
  for (const [index, rtt] of rtts.entries()) queue.sample(rtt, end - 50 + (50 * index) / Math.max(rtts.length - 1, 1));
  return queue.endRound(end);
}

const eight = (rtt: number) => Array.from({ length: 8 }, () => rtt);

test("jitter is no queue: the shortest round trip of a round counts", () => {
  const queue = new StandingQueue();
  expect(round(queue, 100, ...eight(2))).toBe(1);
  expect(round(queue, 200, 50, 60, 40, 2.5, 80, 70, 90, 50)).toBe(1);
});

test("a queue of 10 ms is tolerated on a short path, a longer one is cut to that", () => {
  const queue = new StandingQueue();
  expect(round(queue, 100, ...eight(2))).toBe(1);
  expect(round(queue, 200, ...eight(12))).toBe(1);
  expect(round(queue, 300, ...eight(15))).toBe(0.8);
  expect(round(queue, 400, ...eight(100))).toBe(0.5);
});

test("a queue as long as the path is tolerated on a long one, but not more than 100 ms", () => {
  const queue = new StandingQueue();
  round(queue, 100, ...eight(40));
  expect(round(queue, 200, ...eight(80))).toBe(1);
  expect(round(queue, 300, ...eight(100))).toBe(0.8);
  const far = new StandingQueue();
  round(far, 100, ...eight(300));
  expect(round(far, 200, ...eight(400))).toBe(1);
  expect(round(far, 300, ...eight(500))).toBe(0.8);
});

test("a round of fewer than eight round trips, or of less than 50 ms, goes on", () => {
  const queue = new StandingQueue();
  round(queue, 100, ...eight(2));
  expect(round(queue, 200, ...eight(24).slice(1))).toBeUndefined();
  expect(round(queue, 201, 24)).toBe(0.5);
  for (const rtt of eight(24)) queue.sample(rtt, 230);
  expect(queue.endRound(250)).toBeUndefined();
  expect(queue.endRound(251)).toBe(0.5);
});

test("what the path was like is forgotten after two periods of 10 s, or at once after a silence", () => {
  const queue = new StandingQueue();
  round(queue, 9_000, ...eight(2));
  expect(round(queue, 19_900, ...eight(50))).toBe(0.5);
  expect(round(queue, 20_100, ...eight(50))).toBe(1);
  const silent = new StandingQueue();
  round(silent, 9_000, ...eight(2));
  expect(round(silent, 20_100, ...eight(50))).toBe(1);
});

test("once in a period it is time to drain, at the same moment for everybody, but not after a silence", () => {
  const [queue, other] = [new StandingQueue(), new StandingQueue()];
  queue.sample(2, 5_000);
  other.sample(2, 9_999);
  expect([queue.takeDrain(), other.takeDrain()]).toEqual([false, false]);
  queue.sample(2, 10_000);
  other.sample(2, 10_000);
  expect([queue.takeDrain(), other.takeDrain()]).toEqual([true, true]);
  expect(queue.takeDrain()).toBe(false);
  queue.sample(2, 35_000);
  expect(queue.takeDrain()).toBe(false);
});
