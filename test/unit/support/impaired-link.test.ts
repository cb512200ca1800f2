// The arithmetic of a bad path: shares, times, order and the sum of all counters.
import { describe, expect, test } from "bun:test";
import { ImpairedLink, type PathConditions } from "../../support/impaired-link.ts";

const PACKETS = 100_000;

interface Run {
  readonly link: ImpairedLink;
  /** Of every copy, in the order of admission. */
  readonly departures: readonly number[];
}

/** Packets of 1250 bytes, which is 10,000 bits, one every `everyMs`. */
function run(conditions: Partial<PathConditions>, packets = PACKETS, everyMs = 0.1, seed = 7): Run {
  const link = new ImpairedLink(seed, conditions);
  const departures: number[] = [];
  for (let i = 0; i < packets; i++) {
    const copies = link.admit(1250, i * everyMs);
    departures.push(...link.departures.slice(0, copies));
  }
  return { link, departures };
}

/** Three standard deviations of a count with this chance. */
function expectShare(count: number, share: number): void {
  const tolerance = 3 * Math.sqrt((share * (1 - share)) / PACKETS);
  expect(Math.abs(count / PACKETS - share)).toBeLessThan(tolerance);
}

describe("shares", () => {
  test("a perfect path passes every packet on at once", () => {
    const { link, departures } = run({});
    expect(departures).toEqual(Array.from({ length: PACKETS }, (_, i) => i * 0.1));
    expect(link.counters).toMatchObject({ received: PACKETS, lost: 0, duplicated: 0, reordered: 0, overflowed: 0 });
  });

  for (const loss of [0.01, 0.05, 0.5]) {
    test(`of a loss of ${loss} that share is lost and the rest leaves`, () => {
      const { link, departures } = run({ loss });
      expectShare(link.counters.lost, loss);
      expect(departures.length).toBe(PACKETS - link.counters.lost);
    });
  }

  test("losses do not depend on each other", () => {
    const link = new ImpairedLink(3, { loss: 0.05 });
    let [pairs, previous] = [0, 1];
    for (let i = 0; i < PACKETS; i++) {
      const copies = link.admit(100, i);
      if (copies === 0 && previous === 0) pairs++;
      previous = copies;
    }
    expectShare(pairs, 0.05 * 0.05);
  });

  test("a share of packets leaves twice", () => {
    const { link, departures } = run({ duplicate: 0.02 });
    expectShare(link.counters.duplicated, 0.02);
    expect(departures.length).toBe(PACKETS + link.counters.duplicated);
  });

  test("a share of packets is held back, and those behind overtake them", () => {
    const { link, departures } = run({ reorder: 0.05, reorderMs: 2 });
    expectShare(link.counters.reordered, 0.05);
    const heldBack = departures.filter((at, i) => at > i * 0.1 + 1e-6);
    expect(heldBack.length).toBe(link.counters.reordered);
    const worst = Math.max(...departures.map((at, i) => at - i * 0.1));
    expect(worst).toBeGreaterThan(1.9);
    expect(worst).toBeLessThan(2);
  });

  test("the same seed has the same fate, another seed another", () => {
    const conditions = { loss: 0.1, duplicate: 0.1, reorder: 0.1, reorderMs: 5, jitterMs: 1 };
    expect(run(conditions, 1000).departures).toEqual(run(conditions, 1000).departures);
    expect(run(conditions, 1000).departures).not.toEqual(run(conditions, 1000, 0.1, 8).departures);
  });
});

describe("times", () => {
  test("a delay is added to each packet", () => {
    expect(run({ delayMs: 25 }, 3, 10).departures).toEqual([25, 35, 45]);
  });

  test("jitter spreads and keeps the order", () => {
    const { departures } = run({ delayMs: 10, jitterMs: 4 }, 10_000);
    const late = departures.map((at, i) => at - i * 0.1);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...late)).toBeGreaterThan(13.5);
    expect(Math.max(...late)).toBeLessThan(14.1);
    expect(departures).toEqual(departures.toSorted((a, b) => a - b));
  });

  test("at 10 Mbit/s a packet of 10,000 bits takes a millisecond, one after the other", () => {
    expect(run({ bitsPerSecond: 1e7 }, 4, 0).departures).toEqual([1, 2, 3, 4]);
    expect(run({ bitsPerSecond: 1e7 }, 3, 5).departures).toEqual([1, 6, 11]);
  });

  test("what would wait longer than the queue is long is lost", () => {
    const { link, departures } = run({ bitsPerSecond: 1e7, queueMs: 2 }, 10, 0);
    expect(departures).toEqual([1, 2, 3]);
    expect(link.counters.overflowed).toBe(7);
  });

  test("a black-out loses what comes during it, and nothing afterwards", () => {
    const link = new ImpairedLink(1);
    link.blackOut(1000);
    expect([999, 1000, 1001].map((now) => link.admit(100, now))).toEqual([0, 1, 1]);
    expect(link.counters.blackedOut).toBe(1);
  });

  test("conditions that change count for packets from then on", () => {
    const link = new ImpairedLink(1);
    expect(link.admit(100, 0)).toBe(1);
    link.set({ loss: 1 });
    expect(link.admit(100, 1)).toBe(0);
    link.set({ delayMs: 5 });
    expect(link.admit(100, 2)).toBe(0);
  });
});

test("every packet and every copy is accounted for", () => {
  const { link, departures } = run({ loss: 0.1, duplicate: 0.1, bitsPerSecond: 5e7, queueMs: 1 });
  const { received, duplicated, lost, overflowed, blackedOut } = link.counters;
  expect(overflowed).toBeGreaterThan(0);
  expect(received + duplicated).toBe(lost + overflowed + blackedOut + departures.length);
});
