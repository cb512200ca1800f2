// The earliest deadline is always the one given, whatever was set, moved and cleared before.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Deadlines } from "../../../src/core/deadlines.ts";

describe("Deadlines", () => {
  test("an empty set has no next deadline and nothing expires", () => {
    const deadlines = new Deadlines<string>();
    expect(deadlines.next()).toBeUndefined();
    expect(deadlines.takeExpired(Number.MAX_VALUE)).toBeUndefined();
    deadlines.clear("never set");
    expect(deadlines.size).toBe(0);
  });

  test("a key expires at its deadline, not before, and only once", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("a", 100);
    expect(deadlines.takeExpired(99.999)).toBeUndefined();
    expect(deadlines.takeExpired(100)).toBe("a");
    expect(deadlines.takeExpired(100)).toBeUndefined();
    expect(deadlines.next()).toBeUndefined();
  });

  test("setting a key again moves it, earlier and later", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("a", 100);
    deadlines.set("b", 200);
    deadlines.set("a", 300);
    expect(deadlines.next()).toBe(200);
    deadlines.set("a", 50);
    expect(deadlines.next()).toBe(50);
    expect(deadlines.get("a")).toBe(50);
    expect(deadlines.size).toBe(2);
  });

  test("agrees with a plain map under any sequence of operations", () => {
    const key = fc.nat(12);
    const time = fc.nat(40);
    const operation = fc.oneof(
      fc.record({ type: fc.constant("set" as const), key, at: time }),
      fc.record({ type: fc.constant("clear" as const), key }),
      fc.record({ type: fc.constant("take" as const), now: time }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const deadlines = new Deadlines<number>();
        const model = new Map<number, number>();
        for (const step of operations) {
          if (step.type === "set") {
            deadlines.set(step.key, step.at);
            model.set(step.key, step.at);
          } else if (step.type === "clear") {
            deadlines.clear(step.key);
            model.delete(step.key);
          } else {
            takeFromBoth(deadlines, model, step.now);
          }
          expect(deadlines.size).toBe(model.size);
          expect(deadlines.next() ?? Number.POSITIVE_INFINITY).toBe(Math.min(...model.values()));
        }
        while (model.size > 0) takeFromBoth(deadlines, model, 40);
        expect(deadlines.size).toBe(0);
      }),
    );
  });

  test("what takes the place of a cleared key may have to rise as well as to sink", () => {
    const deadlines = new Deadlines<number>();
    for (const at of [1, 50, 2, 60, 61, 3, 4]) deadlines.set(at, at);
    deadlines.clear(60);
    const order = Array.from({ length: 6 }, () => deadlines.takeExpired(100));
    expect(order).toEqual([1, 2, 3, 4, 50, 61]);
  });

  test("10,000 keys come out in order of their deadlines", () => {
    const deadlines = new Deadlines<number>();
    for (let key = 0; key < 10_000; key += 1) deadlines.set(key, (key * 7919) % 10_007);
    const order: number[] = [];
    for (let key = deadlines.takeExpired(20_000); key !== undefined; key = deadlines.takeExpired(20_000)) {
      order.push((key * 7919) % 10_007);
    }
    expect(order).toHaveLength(10_000);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });
});

/** Any of the keys with the earliest deadline may come, so the model follows the choice. */
function takeFromBoth(deadlines: Deadlines<number>, model: Map<number, number>, now: number): void {
  const earliest = Math.min(...model.values());
  const taken = deadlines.takeExpired(now);
  if (earliest > now) {
    expect(taken).toBeUndefined();
    return;
  }
  expect(model.get(taken as number)).toBe(earliest);
  expect(deadlines.get(taken as number)).toBeUndefined();
  model.delete(taken as number);
}
