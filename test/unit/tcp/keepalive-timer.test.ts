// Questions to a silent peer.
import { expect, test } from "bun:test";
import { KeepaliveTimer } from "../../../src/tcp/keepalive-timer.ts";

const settings = { idleMs: 100, intervalMs: 10, probes: 2 };

test("switched off it has no deadline and never ends anything", () => {
  const timer = new KeepaliveTimer(undefined);
  timer.heard(0);
  expect([timer.at, timer.handleTimeout(1e9, true), timer.due]).toEqual([undefined, false, false]);
});

test("asks after silence, again at intervals, and then knows that the peer is gone", () => {
  const timer = new KeepaliveTimer(settings);
  timer.heard(0.5);
  expect(timer.at).toBe(100.5);
  expect([timer.handleTimeout(100.25, true), timer.due]).toEqual([false, false]);
  for (const at of [100.5, 110.5]) {
    expect([timer.at, timer.handleTimeout(at, true), timer.due]).toEqual([at, false, true]);
    timer.due = false;
  }
  expect(timer.handleTimeout(120.5, true)).toBe(true);
});

test("whatever is heard begins the silence anew", () => {
  const timer = new KeepaliveTimer(settings);
  timer.heard(0);
  timer.handleTimeout(100, true);
  timer.heard(105);
  expect([timer.at, timer.due]).toEqual([205, false]);
  timer.handleTimeout(205, true);
  expect(timer.handleTimeout(215, true)).toBe(false);
});

test("does not ask while another timer watches the peer", () => {
  const timer = new KeepaliveTimer(settings);
  timer.heard(0);
  for (let at = 100; at < 1_000; at += 10) expect([timer.handleTimeout(at, false), timer.due]).toEqual([false, false]);
  timer.stop();
  expect(timer.at).toBeUndefined();
});
