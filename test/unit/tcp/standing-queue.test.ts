// What counts as a queue that stands, how much of one is tolerated, and how long the path is remembered without it.
import { expect, test } from "bun:test";
import { StandingQueue } from "../../../src/tcp/standing-queue.ts";

function round(queue: StandingQueue, now: number, ...rtts: readonly number[]): number {
  for (const rtt of rtts) queue.sample(rtt, now);
  return queue.endRound();
}

const eight = (rtt: number) => Array.from({ length: 8 }, () => rtt);

test("jitter is no queue: the shortest round trip of a round counts", () => {
  const queue = new StandingQueue();
  expect(round(queue, 0, ...eight(2))).toBe(1);
  expect(round(queue, 1, 50, 60, 40, 2.5, 80, 70, 90, 50)).toBe(1);
});

test("a queue of 8 ms is tolerated on a short path, a longer one is cut to that", () => {
  const queue = new StandingQueue();
  expect(round(queue, 0, ...eight(2))).toBe(1);
  expect(round(queue, 1, ...eight(10))).toBe(1);
  expect(round(queue, 2, ...eight(12.5))).toBe(0.8);
  expect(round(queue, 3, ...eight(100))).toBe(0.5);
});

test("a queue as long as the path is tolerated on a long one, but not more than 100 ms", () => {
  const queue = new StandingQueue();
  round(queue, 0, ...eight(40));
  expect(round(queue, 1, ...eight(80))).toBe(1);
  expect(round(queue, 2, ...eight(100))).toBe(0.8);
  const far = new StandingQueue();
  round(far, 0, ...eight(300));
  expect(round(far, 1, ...eight(400))).toBe(1);
  expect(round(far, 2, ...eight(500))).toBe(0.8);
});

test("a round of fewer than eight round trips goes on", () => {
  const queue = new StandingQueue();
  round(queue, 0, ...eight(2));
  expect(round(queue, 1, ...eight(20).slice(1))).toBe(1);
  expect(round(queue, 2, 20)).toBe(0.5);
});

test("what the path was like is forgotten after two periods of 10 s, or at once after a silence", () => {
  const queue = new StandingQueue();
  round(queue, 9_000, ...eight(2));
  expect(round(queue, 19_999, ...eight(50))).toBe(0.5);
  expect(round(queue, 20_000, ...eight(50))).toBe(1);
  const silent = new StandingQueue();
  round(silent, 9_000, ...eight(2));
  expect(round(silent, 20_000, ...eight(50))).toBe(1);
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
