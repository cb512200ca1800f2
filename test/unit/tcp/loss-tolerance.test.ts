// Whether losses mean that too much is sent.
import { expect, test } from "bun:test";
import { LossTolerance } from "../../../src/tcp/loss-tolerance.ts";

const MSS = 1_000;
const SRTT_MS = 10;

/** A path on which `part` of every 100 segments is lost in each of `rounds` round trips; returns the time afterwards. */
function pass(
  tolerance: LossTolerance,
  part: number,
  now: number,
  rounds: number,
): { now: number; looksEnded: number } {
  let looksEnded = 0;
  let at = now;
  for (let round = 0; round < rounds; round += 1) {
    at += SRTT_MS;
    const lost = 100 * MSS * part;
    if (tolerance.acknowledged(100 * MSS - lost, lost, MSS, SRTT_MS, at)) looksEnded += 1;
  }
  return { now: at, looksEnded };
}

/** The path has lost `before` of everything, and `during` while the window was down for a look. */
function looked(before: number, during: number) {
  const tolerance = new LossTolerance();
  let { now } = pass(tolerance, before, 0, 5);
  expect(tolerance.tolerates(now)).toBe(false);
  expect(tolerance.isLooking).toBe(true);
  const look = pass(tolerance, during, now, 4);
  expect([look.looksEnded, tolerance.isLooking]).toEqual([1, false]);
  now = look.now;
  return { tolerance, now };
}

test("two in a hundred are chance", () => {
  const tolerance = new LossTolerance();
  const { now } = pass(tolerance, 0.02, 0, 20);
  expect(tolerance.tolerates(now)).toBe(true);
});

test("what goes on being lost while little is sent is the path's own", () => {
  const { tolerance, now } = looked(0.1, 0.1);
  expect(tolerance.tolerates(pass(tolerance, 0.1, now, 20).now)).toBe(true);
});

test("what ends when little is sent was ours, and so is what comes back", () => {
  const { tolerance, now } = looked(0.1, 0);
  expect(tolerance.tolerates(now)).toBe(true);
  expect(tolerance.tolerates(pass(tolerance, 0.1, now, 5).now)).toBe(false);
});

test("much more than the path's own is too much", () => {
  const { tolerance, now } = looked(0.05, 0.05);
  expect(tolerance.tolerates(pass(tolerance, 0.15, now, 5).now)).toBe(false);
});

test("a fifth is too much whatever the path seems to lose by itself", () => {
  const { tolerance, now } = looked(0.2, 0.2);
  expect(tolerance.tolerates(pass(tolerance, 0.2, now, 5).now)).toBe(false);
});

test("what was found is looked at again after a while", () => {
  const { tolerance, now } = looked(0.1, 0.1);
  const later = pass(tolerance, 0.1, now, 1_000).now;
  expect(tolerance.tolerates(later)).toBe(false);
});

test("what was sent before the window came down says nothing", () => {
  const tolerance = new LossTolerance();
  const { now } = pass(tolerance, 0.1, 0, 5);
  tolerance.tolerates(now);
  expect(pass(tolerance, 0.1, now, 1).looksEnded).toBe(0);
  const clean = pass(tolerance, 0, now + SRTT_MS, 3).now;
  expect(tolerance.tolerates(pass(tolerance, 0.05, clean, 3).now)).toBe(false);
});

test("a look ends although next to nothing is sent", () => {
  const tolerance = new LossTolerance();
  const { now } = pass(tolerance, 0.1, 0, 5);
  tolerance.tolerates(now);
  expect(tolerance.acknowledged(MSS, 0, MSS, SRTT_MS, now + 1_000)).toBe(false);
  expect(tolerance.acknowledged(MSS, 0, MSS, SRTT_MS, now + 1_050)).toBe(true);
});
