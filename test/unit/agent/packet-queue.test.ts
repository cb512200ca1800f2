// The short queue in front of the relay connection.
import { expect, test } from "bun:test";
import { PacketQueue } from "../../../src/agent/packet-queue.ts";

function fill(queue: PacketQueue, value: number, length: number, service: string): boolean {
  const slot = queue.next();
  slot?.fill(value, 0, length);
  if (slot !== undefined) queue.commit(length, service);
  return slot !== undefined;
}

test("packets come out in the order they came in, each with where it goes", () => {
  const queue = new PacketQueue();
  fill(queue, 1, 30, "db");
  fill(queue, 2, 40, "web");
  const out = new Uint8Array(100);
  expect(queue.take(out, 10)).toBe(30);
  expect(queue.service).toBe("db");
  expect([...out.subarray(9, 12)]).toEqual([0, 1, 1]);
  expect(queue.take(out, 0)).toBe(40);
  expect(queue.service).toBe("web");
  expect(queue.take(out, 0)).toBe(0);
});

test("what was not committed is not there", () => {
  const queue = new PacketQueue();
  queue.next()?.fill(1);
  expect(queue.length).toBe(0);
  expect(queue.take(new Uint8Array(10), 0)).toBe(0);
});

test("it is bounded, and uses its memory again", () => {
  const queue = new PacketQueue();
  const out = new Uint8Array(2000);
  let count = 0;
  while (fill(queue, count, 20, "db")) count += 1;
  expect(count).toBe(128);
  const seen = new Set<ArrayBufferLike>();
  for (let round = 0; round < 1000; round++) {
    expect(queue.take(out, 0)).toBe(20);
    expect(out[0]).toBe(round < 128 ? round : 7);
    const slot = queue.next();
    if (slot !== undefined) seen.add(slot.buffer);
    expect(fill(queue, 7, 20, "db")).toBe(true);
  }
  expect(seen.size).toBe(128);
});
