// When an acknowledgement is due.
import { expect, test } from "bun:test";
import { AckSchedule } from "../../../src/tcp/ack-schedule.ts";

test("one segment waits, two do not", () => {
  const acks = new AckSchedule(40);
  acks.received(1_000, 5.5);
  expect([acks.due, acks.at]).toEqual([false, 45.5]);
  acks.received(1_000, 10);
  expect(acks.due).toBe(true);
  acks.sent(true);
  expect([acks.due, acks.at]).toEqual([false, undefined]);
});

test("small segments wait until they make up two large ones", () => {
  const acks = new AckSchedule(40);
  acks.received(1_000, 0);
  acks.sent(false);
  for (let i = 0; i < 19; i += 1) acks.received(100, 0);
  expect(acks.due).toBe(false);
  acks.received(100, 0);
  expect(acks.due).toBe(true);
});

test("the wait counts from the first segment, and ends on time", () => {
  const acks = new AckSchedule(40);
  acks.received(500, 1.25);
  acks.received(100, 30);
  acks.handleTimeout(41.2);
  expect(acks.due).toBe(false);
  acks.handleTimeout(41.25);
  expect([acks.due, acks.at]).toEqual([true, undefined]);
});

test("several are owed one by one, and one with data counts as none of them", () => {
  const acks = new AckSchedule(40);
  for (let i = 0; i < 5; i += 1) acks.another(3);
  acks.sent(true);
  acks.sent(false);
  expect(acks.due).toBe(true);
  acks.sent(true);
  expect(acks.due).toBe(true);
  acks.sent(true);
  expect(acks.due).toBe(false);
});

test("a smaller number never takes back a larger one", () => {
  const acks = new AckSchedule(40);
  for (let i = 0; i < 5; i += 1) acks.another(5);
  acks.another(2);
  acks.now();
  for (let i = 0; i < 4; i += 1) acks.sent(true);
  expect(acks.due).toBe(true);
  acks.stop();
  expect([acks.due, acks.at]).toEqual([false, undefined]);
});
