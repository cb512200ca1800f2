// What one acknowledgement tells.
import { expect, test } from "bun:test";
import { Delivery, isSentAfter } from "../../../src/tcp/delivery.ts";
import type { Run } from "../../../src/tcp/scoreboard.ts";

const run = (sentAt: number, batch: number, retransmitted = false): Run => ({
  ...{ start: 0, end: 0, sentAt, batch, retransmitted, sacked: false, lost: false, next: undefined },
});

test("samples come from what was sent once, the earliest and the latest", () => {
  const delivery = new Delivery();
  delivery.begin(100, 10);
  delivery.add(run(50, 1), 10, 10);
  delivery.add(run(90, 3, true), 20, 10);
  delivery.add(run(70, 2), 30, 10);
  expect([delivery.bytes, delivery.earliestSentAt, delivery.latestSentAt, delivery.ambiguous]).toEqual([
    30,
    50,
    70,
    true,
  ]);
});

test("names what was sent last of all, but not a retransmission that cannot have been answered yet", () => {
  const delivery = new Delivery();
  delivery.begin(100, 10);
  delivery.add(run(50, 1), 10, 10);
  delivery.add(run(90, 3, true), 20, 10);
  expect([delivery.lastSentAt, delivery.lastBatch, delivery.lastEnd]).toEqual([90, 3, 20]);
  delivery.begin(100, 10.5);
  delivery.add(run(50, 1), 10, 10);
  delivery.add(run(90, 3, true), 20, 10);
  expect([delivery.lastSentAt, delivery.lastBatch]).toEqual([50, 1]);
});

test("something below what had arrived is reordered if it was sent once", () => {
  const delivery = new Delivery();
  delivery.begin(100, 0);
  delivery.add(run(50, 1), 10, 10);
  delivery.add(run(50, 1), 40, 10);
  expect(delivery.reordered).toBe(false);
  delivery.begin(101, 0);
  delivery.add(run(60, 2, true), 30, 10);
  expect(delivery.reordered).toBe(false);
  delivery.add(run(50, 1), 20, 10);
  expect(delivery.reordered).toBe(true);
  delivery.begin(102, 0);
  expect([delivery.reordered, delivery.bytes, delivery.latestSentAt]).toEqual([false, 0, undefined]);
});

test("within a batch the stream's order counts", () => {
  expect([isSentAfter(2, 1, 1, 9), isSentAfter(1, 9, 1, 8), isSentAfter(1, 8, 1, 8), isSentAfter(1, 9, 2, 1)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
