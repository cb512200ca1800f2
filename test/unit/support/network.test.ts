// The network that simulations run over: repeatable by seed, bounded, and as bad as it is told to be.
import { describe, expect, test } from "bun:test";
import { type LinkConditions, Network } from "../../support/network.ts";
import { forEachSeed, Random } from "../../support/random.ts";

const COUNT = 10_000;

describe("Network", () => {
  test("the same seed gives the same arrivals at the same times, another seed others", () => {
    const bad = { delayMs: 10, jitterMs: 30, loss: 0.2, duplicate: 0.1, reorder: 0.1, reorderMs: 50 };
    const run = (seed: number) => arrivals(numbered(new Network({ seed, copy, conditions: bad }), 500));
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  test("a perfect link delivers everything at once, in order", () => {
    const network = numbered(new Network({ seed: 1, copy }), 100);
    expect(network.next()).toBe(0);
    expect(arrivals(network).map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(network.next()).toBeUndefined();
  });

  test("nothing arrives before its delay or after delay and jitter, and jitter alone does not reorder", () => {
    const network = networkWith({ delayMs: 20, jitterMs: 10 });
    const arrived = arrivals(numbered(network, 1_000, 1));
    for (const { number, at } of arrived) {
      expect(at).toBeGreaterThanOrEqual(number + 20);
      expect(at).toBeLessThan(number + 30);
    }
    expect(arrived.map(({ number }) => number)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test("loses, duplicates and reorders about as much as it was told", () => {
    const lossy = arrivals(numbered(networkWith({ loss: 0.1 }), COUNT)).length;
    expect(Math.abs(lossy - 0.9 * COUNT)).toBeLessThan(0.02 * COUNT);
    const doubled = arrivals(numbered(networkWith({ duplicate: 0.1, capacity: 2 * COUNT }), COUNT)).length;
    expect(Math.abs(doubled - 1.1 * COUNT)).toBeLessThan(0.02 * COUNT);
    const order = arrivals(numbered(networkWith({ reorder: 0.1, reorderMs: 50 }), COUNT, 1)).map(
      ({ number }) => number,
    );
    const overtaken = order.filter((number, i) => i > 0 && number < order[i - 1]!).length;
    expect(overtaken).toBeGreaterThan(0.05 * COUNT);
    expect(overtaken).toBeLessThan(0.11 * COUNT);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });

  test("a link holds no more than its capacity, and takes again what it delivered", () => {
    const network = networkWith({ delayMs: 10, capacity: 3 });
    expect([0, 1, 2, 3].map((n) => network.send("a>b", Uint8Array.of(n), 0))).toEqual([true, true, true, false]);
    expect(network.send("b>a", Uint8Array.of(9), 0)).toBe(true);
    expect(network.stats).toMatchObject({ sent: 5, overflowed: 1 });
    expect(network.receive(10)).toBeDefined();
    expect(network.send("a>b", Uint8Array.of(4), 10)).toBe(true);
  });

  test("a link that is cut delivers what was under way and nothing that comes later, and can be mended", () => {
    const network = networkWith({ delayMs: 10 });
    network.send("a>b", Uint8Array.of(1), 0);
    network.setConditions({ loss: 1 }, "a>b");
    expect(network.send("a>b", Uint8Array.of(2), 1)).toBe(false);
    expect(network.send("b>a", Uint8Array.of(3), 1)).toBe(true);
    expect(network.receive(10)?.message).toEqual(Uint8Array.of(1));
    network.setConditions({ loss: 0 }, "a>b");
    expect(network.send("a>b", Uint8Array.of(4), 20)).toBe(true);
  });

  test("what is in flight on a link can be discarded", () => {
    const network = networkWith({ delayMs: 10, capacity: 2 });
    network.send("a>b", Uint8Array.of(1), 0);
    network.send("b>a", Uint8Array.of(2), 0);
    network.send("a>b", Uint8Array.of(3), 0);
    network.discard("a>b");
    expect(network.receive(10)).toEqual({ link: "b>a", message: Uint8Array.of(2) });
    expect(network.receive(10)).toBeUndefined();
    expect(network.send("a>b", Uint8Array.of(4), 10)).toBe(true);
    expect(network.stats.discarded).toBe(2);
  });

  test("each arrival is a copy: neither sender nor receiver reaches the other's bytes, nor the duplicate", () => {
    const network = networkWith({ duplicate: 1 });
    const lent = Uint8Array.of(1);
    network.send("a>b", lent, 0);
    lent[0] = 2;
    const first = network.receive(0)!.message;
    first[0] = 3;
    expect(network.receive(0)!.message).toEqual(Uint8Array.of(1));
  });
});

describe("Random", () => {
  test("is even and stays in its range", () => {
    const random = new Random(42);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i += 1) buckets[random.integerBelow(10)]! += 1;
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(random.pick(["only"])).toBe("only");
    expect(() => random.pick([])).toThrow(RangeError);
    expect(random.bytes(5)).toHaveLength(5);
  });

  test("a failing seed is named, so that it can be repeated", () => {
    expect(() =>
      forEachSeed(3, (seed) => {
        throw new Error(`lost ${seed}`);
      }),
    ).toThrow(/^seed (\d+) failed; repeat it with ZTNA_SEED=\1: lost \1$/);
  });
});

function copy(bytes: Uint8Array): Uint8Array {
  return bytes.slice();
}

function networkWith(conditions: Partial<LinkConditions>): Network<Uint8Array> {
  return new Network({ seed: 1, copy, conditions });
}

/** Sends numbered messages, one every so many milliseconds. */
function numbered(network: Network<Uint8Array>, count: number, everyMs = 0): Network<Uint8Array> {
  for (let i = 0; i < count; i += 1) network.send("a>b", Uint8Array.of(i >> 8, i), i * everyMs);
  return network;
}

function arrivals(network: Network<Uint8Array>): { at: number; number: number }[] {
  const arrived: { at: number; number: number }[] = [];
  for (let at = network.next(); at !== undefined; at = network.next()) {
    const [high, low] = network.receive(at)!.message;
    arrived.push({ at, number: high! * 256 + low! });
  }
  return arrived;
}
