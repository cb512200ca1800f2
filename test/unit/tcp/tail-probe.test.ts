// RFC 8985 section 7: what the answer to a probe tells.
import { expect, test } from "bun:test";
import { TailProbe } from "../../../src/tcp/tail-probe.ts";

const probed = (repeated: boolean) => {
  const probe = new TailProbe();
  probe.sent(100, repeated);
  return probe;
};

test("one that carried new bytes tells nothing about a loss", () => {
  const probe = probed(false);
  expect([probe.acknowledged(99, false, true), probe.outstanding]).toEqual([false, true]);
  expect([probe.acknowledged(100, false, true), probe.outstanding]).toEqual([false, false]);
});

test("one that repeated something repaired a loss if nothing came twice and the stream goes on", () => {
  const probe = probed(true);
  expect([probe.acknowledged(100, false, true), probe.outstanding]).toEqual([false, true]);
  expect([probe.acknowledged(150, false, true), probe.outstanding]).toEqual([true, false]);
});

test("and did not if the peer got it twice, or answers twice", () => {
  for (const [duplicate, advanced] of [
    [true, true],
    [false, false],
  ] as const) {
    const probe = probed(true);
    probe.acknowledged(100, false, true);
    expect([probe.acknowledged(100, duplicate, advanced), probe.outstanding]).toEqual([false, false]);
  }
});

test("forgotten, it tells nothing", () => {
  const probe = probed(true);
  probe.forget();
  expect([probe.outstanding, probe.acknowledged(150, false, true)]).toEqual([false, false]);
});

test("is due after two round trips, at least 10 ms, and 50 more for a single segment", () => {
  const probe = new TailProbe();
  expect([probe.timeout(20, false), probe.timeout(1, false), probe.timeout(20, true)]).toEqual([40, 10, 90]);
});

test("three are sent in vain, each after twice the wait, and more once something was heard", () => {
  const probe = new TailProbe();
  const waits: number[] = [];
  while (!probe.isExhausted) {
    waits.push(probe.timeout(20, false));
    probe.sent(100, true);
  }
  expect(waits).toEqual([40, 80, 160]);
  probe.heard();
  expect([probe.isExhausted, probe.timeout(20, false), probe.outstanding]).toEqual([false, 40, true]);
});
