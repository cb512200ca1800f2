// RFC 9438: the window as a function of time since the last loss.
import { describe, expect, test } from "bun:test";
import { Cubic, initialWindow } from "../../../src/tcp/cubic.ts";

const MSS = 1_000;

/** One acknowledgement of a whole window each round trip; returns the windows. */
function roundTrips(cubic: Cubic, count: number, rtt: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => {
    const before = cubic.window;
    for (let acked = 0; acked < before; acked += MSS)
      cubic.acknowledged(MSS, i * 1e6, i * 1e6 + 1, rtt, rtt, from + i * rtt);
    return cubic.window / MSS;
  });
}

test("begins with ten segments, fewer large or many small ones", () => {
  expect([536, 1_460, 8_960, 64].map(initialWindow)).toEqual([5_360, 14_600, 17_920, 640]);
  const cubic = new Cubic(MSS);
  expect([cubic.window, cubic.inSlowStart]).toEqual([10_000, true]);
  cubic.begin(500, true);
  expect(cubic.window).toBe(500);
});

test("doubles each round trip in slow start, up to the threshold", () => {
  const cubic = new Cubic(MSS);
  expect(roundTrips(cubic, 3, 10)).toEqual([20, 40, 80]);
  cubic.lost(80_000, 0);
  cubic.window = MSS;
  expect(roundTrips(cubic, 5, 10)).toEqual([2, 4, 8, 16, 32]);
});

describe("after a loss", () => {
  test("comes down to seven tenths of what was on its way, at least two segments", () => {
    const cubic = new Cubic(MSS);
    cubic.window = 100_000;
    cubic.lost(100_000, 0);
    expect(cubic.threshold).toBe(70_000);
    cubic.lost(1_000, 0);
    expect(cubic.threshold).toBe(2_000);
  });

  test("is back at the old window after K seconds, flat there, and steeper on both sides", () => {
    const cubic = new Cubic(MSS);
    cubic.window = 1_000 * MSS;
    cubic.lost(1_000 * MSS, 0);
    cubic.window = cubic.threshold;
    const seconds = Math.cbrt(300 / 0.4); // K of RFC 9438 for W_max 1000 segments
    const windows = roundTrips(cubic, Math.ceil((seconds * 1_000) / 100), 100);
    const [first, atPlateau] = [windows[0]!, windows.at(-1)!];
    expect(first).toBeGreaterThan(700);
    expect(atPlateau).toBeGreaterThan(990);
    expect(atPlateau).toBeLessThan(1_010);
    const growth = windows.map((window, i) => window - (windows[i - 1] ?? 700));
    expect(growth[5]!).toBeGreaterThan(growth[40]!);
    expect(growth.at(-1)!).toBeLessThan(1);
  });

  test("on short paths it grows at least as Reno would", () => {
    const cubic = new Cubic(MSS);
    cubic.window = 20 * MSS;
    cubic.lost(20 * MSS, 0);
    cubic.window = cubic.threshold;
    const windows = roundTrips(cubic, 20, 1);
    expect(windows.at(-1)!).toBeGreaterThan(14 + 20 * 0.5);
  });

  test("a second loss below the first makes room for others", () => {
    const [settled, shrinking] = [new Cubic(MSS), new Cubic(MSS)];
    for (const cubic of [settled, shrinking]) {
      cubic.window = 100 * MSS;
      cubic.lost(100 * MSS, 0);
    }
    settled.window = 100 * MSS;
    settled.lost(100 * MSS, 0);
    shrinking.window = 90 * MSS;
    shrinking.lost(100 * MSS, 0);
    for (const cubic of [settled, shrinking]) cubic.window = 70 * MSS;
    const [a, b] = [settled, shrinking].map((cubic) => roundTrips(cubic, 20, 100).at(-1)!);
    expect(a!).toBeGreaterThan(b!);
  });

  test("is undone by restore(), which never takes anything away", () => {
    const cubic = new Cubic(MSS);
    cubic.window = 50 * MSS;
    const before = [cubic.window, cubic.threshold] as const;
    cubic.lost(50 * MSS, 0);
    cubic.window = cubic.threshold;
    cubic.restore(...before);
    expect([cubic.window, cubic.inSlowStart]).toEqual([50 * MSS, true]);
    cubic.restore(1, 1);
    expect(cubic.window).toBe(50 * MSS);
  });
});

test("after a timeout there is one segment; a repeated timeout does not lower the threshold again", () => {
  const cubic = new Cubic(MSS);
  cubic.window = 100 * MSS;
  cubic.timedOut(100 * MSS, false);
  expect([cubic.window, cubic.threshold]).toEqual([MSS, 70 * MSS]);
  cubic.timedOut(MSS, true);
  expect([cubic.window, cubic.threshold]).toEqual([MSS, 70 * MSS]);
});

test("time in which the window was not used does not let it jump", () => {
  const jumped = (unused: boolean) => {
    const cubic = new Cubic(MSS);
    cubic.window = 100 * MSS;
    cubic.lost(100 * MSS, 0);
    cubic.window = cubic.threshold;
    roundTrips(cubic, 2, 10);
    if (unused) cubic.unused();
    return roundTrips(cubic, 1, 10, 60_000)[0]!;
  };
  expect(jumped(false)).toBeGreaterThan(90);
  expect(jumped(true)).toBeLessThan(75);
});

test("after a silence ten segments are allowed, and a change of the segment size keeps one", () => {
  const cubic = new Cubic(MSS);
  cubic.window = 100 * MSS;
  cubic.idled();
  expect(cubic.window).toBe(10 * MSS);
  cubic.window = 500;
  cubic.setMss(1_400);
  expect(cubic.window).toBe(1_400);
});

test("losses that the path has by itself leave what keeps it busy, and a quarter more than now at most", () => {
  const cubic = new Cubic(MSS);
  cubic.window = 40 * MSS;
  cubic.lost(30 * MSS, 45 * MSS);
  expect(cubic.threshold).toBe(45 * MSS);
  cubic.window = 40 * MSS;
  cubic.lost(30 * MSS, 1_000 * MSS);
  expect(cubic.threshold).toBe(50 * MSS);
  cubic.window = 40 * MSS;
  cubic.lost(40 * MSS, 10 * MSS);
  expect(cubic.threshold).toBe(28 * MSS);
});
