// First in, first out, and nothing that was taken stays behind.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Outbox } from "../../../src/core/outbox.ts";

describe("Outbox", () => {
  test("yields what was pushed, in order, then undefined", () => {
    const outbox = new Outbox<string>();
    outbox.push("a");
    outbox.push("b");
    expect(outbox.length).toBe(2);
    expect([outbox.shift(), outbox.shift(), outbox.shift()]).toEqual(["a", "b", undefined]);
    expect(outbox.length).toBe(0);
  });

  test("behaves like an array under any mix of pushes and shifts", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 500 }), (operations) => {
        const outbox = new Outbox<number>();
        const model: number[] = [];
        for (const [value, operation] of operations.entries()) {
          if (operation >= 0) {
            outbox.push(value);
            model.push(value);
          } else {
            expect(outbox.shift()).toBe(model.shift() as number);
          }
          expect(outbox.length).toBe(model.length);
        }
      }),
    );
  });

  test("a queue that is never empty does not grow with what passed through it", () => {
    const outbox = new Outbox<number>();
    outbox.push(0);
    for (let i = 1; i <= 100_000; i += 1) {
      outbox.push(i);
      expect(outbox.shift()).toBe(i - 1);
    }
    expect(outbox.capacity).toBeLessThan(1_000);
  });
});
