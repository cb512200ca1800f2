// One timer for three purposes.
import { expect, test } from "bun:test";
import { RetransmissionTimer } from "../../../src/tcp/retransmission-timer.ts";

test("counts from where waiting began, however often it is armed", () => {
  const timer = new RetransmissionTimer();
  timer.restart(10.5);
  timer.arm("retransmission", 200, 20, 50);
  timer.arm("retransmission", 200, 20, 100);
  expect([timer.at, timer.purpose]).toEqual([210.5, "retransmission"]);
  timer.restart(150);
  timer.arm("retransmission", 400, 20, 150);
  expect(timer.at).toBe(550);
  timer.arm(undefined, 400, 20, 160);
  expect(timer.at).toBeUndefined();
});

test("a tail is probed after the latest transmission or progress, but not later than the timeout", () => {
  const timer = new RetransmissionTimer();
  timer.restart(0);
  timer.lastSentAt = 5;
  timer.arm("tail-probe", 200, 20, 6);
  expect(timer.at).toBe(25);
  timer.restart(9);
  timer.arm("tail-probe", 200, 20, 9);
  expect(timer.at).toBe(29);
  timer.arm("tail-probe", 200, 500, 9);
  expect(timer.at).toBe(209);
});

test("waiting for a window begins when that becomes what is waited for, and so does the way back", () => {
  const timer = new RetransmissionTimer();
  timer.restart(0);
  timer.arm("retransmission", 200, 20, 0);
  timer.arm("window-probe", 200, 20, 150);
  expect(timer.at).toBe(350);
  timer.arm("window-probe", 200, 20, 300);
  expect(timer.at).toBe(350);
  timer.arm("retransmission", 200, 20, 340);
  expect(timer.at).toBe(540);
});
