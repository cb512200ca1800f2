// TIME-WAIT lasts, is prolonged, and ends.
import { expect, test } from "bun:test";
import { TimeWait } from "../../../src/tcp/time-wait.ts";

test("ends after its time, counted anew from a FIN that comes again, but four times that at most", () => {
  const timeWait = new TimeWait(10);
  timeWait.repeated(5);
  expect([timeWait.at, timeWait.isOver(1e9)]).toEqual([undefined, false]);
  timeWait.begin(0.5);
  expect([timeWait.isOver(10.25), timeWait.isOver(10.5)]).toEqual([false, true]);
  timeWait.repeated(8);
  expect(timeWait.at).toBe(18);
  timeWait.repeated(39);
  expect(timeWait.at).toBe(40.5);
});
