// Entries stay while they are used, lapse when idle, and never exceed the limit.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ExpiringMap } from "../../../src/core/expiring-map.ts";

describe("ExpiringMap", () => {
  test("an entry lapses idleMs after its last use, not before", () => {
    const map = new ExpiringMap<string, number>({ limit: 10, idleMs: 1_000 });
    expect(map.next()).toBeUndefined();
    expect(map.set("a", 1, 0)).toBe(true);
    expect(map.next()).toBe(1_000);
    expect(map.get("a", 600)).toBe(1);
    expect(map.next()).toBe(1_600);
    expect(map.takeExpired(1_599)).toBeUndefined();
    expect(map.takeExpired(1_600)).toEqual(["a", 1]);
    expect(map.takeExpired(1_600)).toBeUndefined();
    expect(map.get("a", 1_600)).toBeUndefined();
    expect(map.size).toBe(0);
  });

  test("peek does not count as use, set does", () => {
    const map = new ExpiringMap<string, number>({ limit: 10, idleMs: 1_000 });
    map.set("a", 1, 0);
    map.set("b", 2, 1);
    expect(map.peek("a")).toBe(1);
    expect(map.oldest()).toEqual(["a", 1]);
    map.set("a", 3, 2);
    expect(map.oldest()).toEqual(["b", 2]);
    expect(map.peek("a")).toBe(3);
    expect(map.size).toBe(2);
  });

  test("a full map refuses new keys and still updates known ones", () => {
    const map = new ExpiringMap<number, string>({ limit: 3, idleMs: 1_000 });
    for (const key of [1, 2, 3]) expect(map.set(key, "x", 0)).toBe(true);
    for (let key = 4; key < 1_000; key += 1) expect(map.set(key, "x", 999)).toBe(false);
    expect(map.size).toBe(3);
    expect(map.set(2, "y", 999)).toBe(true);
    expect(map.peek(2)).toBe("y");
  });

  test("a full map displaces a lapsed entry, and says so once", () => {
    const evicted: [number, string][] = [];
    const map = new ExpiringMap<number, string>({
      limit: 2,
      idleMs: 1_000,
      onEvict: (key, value) => evicted.push([key, value]),
    });
    map.set(1, "one", 0);
    map.set(2, "two", 500);
    expect(map.set(3, "three", 1_000)).toBe(true);
    expect(evicted).toEqual([[1, "one"]]);
    expect(map.set(4, "four", 1_000)).toBe(false);
    expect(map.takeExpired(1_500)).toEqual([2, "two"]);
    expect(map.delete(3)).toBe(true);
    expect(evicted).toHaveLength(1);
  });

  test("the oldest entry can make room for a new one", () => {
    const map = new ExpiringMap<number, string>({ limit: 2, idleMs: 1_000 });
    map.set(1, "a", 0);
    map.set(2, "b", 1);
    map.get(1, 2);
    expect(map.oldest()?.[0]).toBe(2);
    map.delete(2);
    expect(map.set(3, "c", 3)).toBe(true);
    expect([...map.values()]).toEqual(["a", "c"]);
  });

  test("a map for one entry holds one", () => {
    const map = new ExpiringMap<string, number>({ limit: 1, idleMs: 10 });
    expect([map.set("a", 1, 0), map.set("b", 2, 0), map.size]).toEqual([true, false, 1]);
    expect(map.takeExpired(10)).toEqual(["a", 1]);
    expect(map.oldest()).toBeUndefined();
    expect(map.set("b", 2, 10)).toBe(true);
  });

  test("a map without room for anything is a bug and throws", () => {
    expect(() => new ExpiringMap({ limit: 0, idleMs: 1 })).toThrow(RangeError);
  });

  test("agrees with a plain list under any sequence of operations", () => {
    const key = fc.nat(8);
    const operation = fc.oneof(
      fc.record({ type: fc.constant("set" as const), key }),
      fc.record({ type: fc.constant("get" as const), key }),
      fc.record({ type: fc.constant("delete" as const), key }),
      fc.record({ type: fc.constant("expire" as const), key }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(operation, fc.nat(7)), { maxLength: 150 }), (steps) => {
        const map = new ExpiringMap<number, number>({ limit: LIMIT, idleMs: IDLE });
        const model = new Model();
        let now = 0;
        for (const [index, [step, after]] of steps.entries()) {
          now += after;
          if (step.type === "set") expect(map.set(step.key, index, now)).toBe(model.set(step.key, index, now));
          if (step.type === "get") expect(map.get(step.key, now)).toBe(model.get(step.key, now) as number);
          if (step.type === "delete") expect(map.delete(step.key)).toBe(model.delete(step.key));
          if (step.type === "expire") expect(map.takeExpired(now)).toEqual(model.takeExpired(now) as [number, number]);
          expect([...map.values()]).toEqual(model.entries.map(([, value]) => value));
          expect(map.next()).toBe(model.next() as number);
          expect(map.size).toBe(model.entries.length);
          expect(map.size).toBeLessThanOrEqual(LIMIT);
        }
      }),
    );
  });
});

const LIMIT = 5;
const IDLE = 20;

/** Key, value, last use; the least recently used first. */
class Model {
  entries: [number, number, number][] = [];

  set(key: number, value: number, now: number): boolean {
    const known = this.entries.some(([k]) => k === key);
    if (!known && this.entries.length === LIMIT && this.takeExpired(now) === undefined) return false;
    this.delete(key);
    this.entries.push([key, value, now]);
    return true;
  }

  get(key: number, now: number): number | undefined {
    const value = this.entries.find(([k]) => k === key)?.[1];
    if (value !== undefined) this.set(key, value, now);
    return value;
  }

  delete(key: number): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter(([k]) => k !== key);
    return this.entries.length < before;
  }

  next(): number | undefined {
    const first = this.entries[0];
    return first === undefined ? undefined : first[2] + IDLE;
  }

  takeExpired(now: number): [number, number] | undefined {
    const first = this.entries[0];
    if (first === undefined || first[2] + IDLE > now) return undefined;
    this.entries.shift();
    return [first[0], first[1]];
  }
}
