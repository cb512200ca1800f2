// The pace at which connections are opened once a connector has refused some.
import { expect, test } from "bun:test";
import { OpeningPace } from "../../../src/agent/opening-pace.ts";

test("ten within a window are in no hurry, the eleventh is", () => {
  const pace = new OpeningPace<number>();
  const hurried = Array.from({ length: 12 }, (_, at) => pace.opened(1000 + at));
  expect(hurried.map(Number)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(pace.opened(2102)).toBe(false);
  expect(pace.opened(2102)).toBe(true);
});

test("those that wait are released ten at a time, in their order", () => {
  const pace = new OpeningPace<number>();
  expect([pace.isSlow, pace.deadline()]).toEqual([false, undefined]);
  for (let opening = 0; opening < 15; opening++) pace.wait(opening, 1000 + opening);
  expect([pace.isSlow, pace.length, pace.deadline()]).toEqual([true, 15, 2100]);
  expect(pace.release(2099)).toEqual([]);
  expect(pace.release(2100)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(pace.deadline()).toBe(3200);
  expect(pace.release(3300)).toEqual([10, 11, 12, 13, 14]);
  expect([pace.isSlow, pace.deadline()]).toEqual([false, undefined]);
});

test("whoever does not wait any more is forgotten, and the last one takes the timer with it", () => {
  const pace = new OpeningPace<number>();
  pace.wait(1, 0);
  pace.wait(2, 0);
  pace.forget(1);
  pace.forget(7);
  expect(pace.release(1100)).toEqual([2]);
  pace.wait(3, 2000);
  pace.forget(3);
  expect(pace.deadline()).toBeUndefined();
});
