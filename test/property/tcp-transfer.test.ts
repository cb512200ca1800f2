// Whatever the path does and however the applications behave: two connections deliver exactly the bytes, in order, keep
// to each other's windows, and end.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LinkConditions } from "../support/network.ts";
import { type EndPlan, type PairPlan, TcpPair } from "../support/tcp-pair.ts";

const flag = fc.boolean();

const end: fc.Arbitrary<EndPlan> = fc.record({
  limits: fc.record({
    sendBufferBytes: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constant(200_000)),
    receiveBufferBytes: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 65_000, max: 400_000 })),
    nagle: flag,
    windowScaling: flag,
    selectiveAcks: flag,
    timestamps: flag,
    delayedAckMs: fc.constantFrom(0.5, 40),
  }),
  mss: fc.integer({ min: 80, max: 1_500 }),
  bytes: fc.oneof(fc.nat(3), fc.nat(3_000), fc.nat(120_000)),
  writeSize: fc.constantFrom(1, 100, 1_000, 30_000),
  readSize: fc.constantFrom(1, 500, 20_000, 1_000_000),
  restMs: fc.constantFrom(0, 0, 0.3, 50),
  room: fc.constantFrom(1, 3, 1_000),
  mssChanges: fc.array(fc.integer({ min: 80, max: 1_500 }), { maxLength: 3 }),
});

const harsh: fc.Arbitrary<Partial<LinkConditions>> = fc.record({
  delayMs: fc.constantFrom(0, 0.4, 10, 200),
  jitterMs: fc.constantFrom(0, 3),
  loss: fc.constantFrom(0, 0.02, 0.2, 1),
  duplicate: fc.constantFrom(0, 0.1, 0.5),
  reorder: fc.constantFrom(0, 0.1, 0.5),
  reorderMs: fc.constantFrom(5, 40),
  capacity: fc.constantFrom(5, 50, 10_000),
});

/** What the path comes to in the end: bad, but not cut. */
const lasting = harsh.map((conditions) => ({ ...conditions, loss: Math.min(conditions.loss ?? 0, 0.2) }));

const plan: fc.Arbitrary<PairPlan> = fc
  .record({ seed: fc.nat(), ends: fc.tuple(end, end), early: fc.array(harsh, { maxLength: 4 }), lasting })
  .map(({ seed, ends, early, lasting: last }) => ({ seed, ends: withinReason(ends), conditions: [...early, last] }));

/** One byte at a time through a window of one byte takes a virtual day for a large stream; small ones show as much. */
function withinReason(ends: readonly [EndPlan, EndPlan]): [EndPlan, EndPlan] {
  const tiny = (from: EndPlan, to: EndPlan) =>
    Math.min(from.limits.sendBufferBytes!, to.limits.receiveBufferBytes!, to.readSize, from.mss) < 500 || to.restMs > 1;
  const [a, b] = ends;
  return [
    { ...a, bytes: tiny(a, b) ? a.bytes % 400 : a.bytes },
    { ...b, bytes: tiny(b, a) ? b.bytes % 400 : b.bytes },
  ];
}

const BULK: EndPlan = {
  ...{ limits: {}, mss: 1_200, writeSize: 100_000, readSize: 1_000_000, restMs: 0, room: 64, mssChanges: [] },
  bytes: 0,
};

describe("two connections", () => {
  test("deliver every byte of both streams and end, whatever happens on the way", () => {
    fc.assert(
      fc.property(plan, (pairPlan) => {
        const pair = new TcpPair(pairPlan);
        pair.run();
        const [a, b] = pair.ends;
        expect([a.received, b.received]).toEqual([b.plan.bytes, a.plan.bytes]);
        for (const { events, connection } of pair.ends) {
          expect(connection.state).toBe("closed");
          expect(events.at(-1)).toBe("closed");
          expect(events.filter((event) => event === "established")).toHaveLength(1);
          expect(events.filter((event) => event === "remote-closed")).toHaveLength(1);
        }
      }),
      { numRuns: 300, includeErrorInReport: true },
    );
  }, 120_000);

  test("send nothing twice on a path that neither loses nor reorders", () => {
    const calm = fc.record({
      seed: fc.nat(),
      bytes: fc.tuple(fc.nat(200_000), fc.nat(200_000)),
      delayMs: fc.constantFrom(0.1, 1, 20, 300),
      jitterMs: fc.constantFrom(0, 2),
      writeSize: fc.constantFrom(10, 1_000, 50_000),
      limits: fc.record({ selectiveAcks: flag, timestamps: flag, nagle: flag }),
      room: fc.constantFrom(2, 64, 1_000),
    });
    fc.assert(
      fc.property(calm, ({ seed, bytes, delayMs, jitterMs, writeSize, limits, room }) => {
        const both = { limits, mss: 1_200, writeSize, readSize: 1_000_000, restMs: 0, room, mssChanges: [] };
        const pair = new TcpPair({
          ...{
            seed,
            ends: [
              { ...both, bytes: bytes[0] },
              { ...both, bytes: bytes[1] },
            ],
          },
          conditions: [{ delayMs, jitterMs }],
        });
        pair.run();
        for (const { stats, received } of pair.ends) {
          expect([stats.retransmitted, stats.timeouts, stats.unacceptable, stats.outdated]).toEqual([0, 0, 0, 0]);
          expect(bytes).toContain(received);
        }
      }),
      { numRuns: 100, includeErrorInReport: true },
    );
  });
});

describe("bulk", () => {
  // Only there a congestion window with fractions decides how much is kept.
  test("through buffers of the default size, on long paths that lose now and then, arrives byte for byte", () => {
    const sender = { ...BULK, bytes: 6_000_000, writeSize: 70_001 };
    for (const [seed, delayMs] of [50, 30, 40, 60].entries()) {
      const pair = new TcpPair({ seed, ends: [sender, BULK], conditions: [{ delayMs, loss: 0.001 }] });
      pair.run();
      expect(pair.ends[1].received).toBe(sender.bytes);
    }
  });
});

describe("how long it takes", () => {
  const sender = { ...BULK, bytes: 3_000_000 };
  const sink = { ...BULK, bytes: 0 };

  /** Virtual milliseconds until every byte is there. */
  function duration(seed: number, ...conditions: Partial<LinkConditions>[]): number {
    const pair = new TcpPair({ seed, ends: [sender, sink], conditions });
    pair.run(() => pair.ends[1].received === sender.bytes);
    return pair.now - 1_000.125;
  }

  test("over a clean path of 10 ms, three megabytes take a few round trips", () => {
    expect(duration(1, { delayMs: 5 })).toBeLessThan(200);
  });

  test("every hundredth packet lost costs little, every tenth hardly a timeout", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      expect(duration(seed, { delayMs: 5, loss: 0.01 })).toBeLessThan(1_000);
      expect(duration(seed, { delayMs: 5, loss: 0.1 })).toBeLessThan(8_000);
    }
  });

  test("reordering costs little", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      expect(duration(seed, { delayMs: 5, reorder: 0.05, reorderMs: 4 })).toBeLessThan(1_500);
    }
  });

  test("after a second without a path, it goes on within another", () => {
    expect(duration(1, { delayMs: 250 }, { delayMs: 5, loss: 1 }, { delayMs: 5 })).toBeLessThan(4_000);
  });
});
