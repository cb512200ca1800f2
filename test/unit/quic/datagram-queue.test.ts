// The queue of a congested connection: in order, bounded, memory given back.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DatagramQueue } from "../../../src/quic/datagram-queue.ts";

describe("the datagram queue", () => {
  test("refuses what goes beyond its capacity and takes it when there is room again", () => {
    const queue = new DatagramQueue(2);
    expect([queue.push(Uint8Array.of(1), 0), queue.push(Uint8Array.of(2), 1), queue.push(Uint8Array.of(3), 2)]).toEqual(
      [true, true, false],
    );
    expect([queue.room, queue.since()]).toEqual([0, 0]);
    queue.shift();
    expect([queue.push(Uint8Array.of(3), 3), queue.since()]).toEqual([true, 1]);
  });

  test("keeps copies", () => {
    const queue = new DatagramQueue(2);
    const bytes = Uint8Array.of(1);
    queue.push(bytes, 0);
    bytes[0] = 9;
    expect(queue.peek()).toEqual(Uint8Array.of(1));
  });

  test("is first in, first out for every schedule of pushes and shifts", () => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant("shift" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new DatagramQueue(5);
        const model: Uint8Array[] = [];
        for (const one of steps) {
          if (one === "shift") {
            queue.shift();
            model.shift();
          } else {
            expect(queue.push(one, 0)).toBe(model.length < 5);
            if (model.length < 5) model.push(one.slice());
          }
          expect(queue.peek()).toEqual(model[0]);
          expect([queue.length, queue.room]).toEqual([model.length, 5 - model.length]);
        }
      }),
    );
  });
});
