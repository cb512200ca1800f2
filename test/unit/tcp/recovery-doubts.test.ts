// When everything that was sent again came twice, nothing had been lost.
import { expect, test } from "bun:test";
import { RecoveryDoubts } from "../../../src/tcp/recovery-doubts.ts";

test("are confirmed by the last duplicate, once, and remember what was before", () => {
  const doubts = new RecoveryDoubts();
  expect(doubts.cameTwice(1_000)).toBe(false);
  doubts.begin(50_000, 70_000);
  expect(doubts.cameTwice(1_000)).toBe(false); // nothing was sent again: the network made it two
  doubts.begin(50_000, 70_000);
  doubts.sentAgain(2_000);
  expect([doubts.cameTwice(1_000), doubts.cameTwice(1_000), doubts.cameTwice(1_000)]).toEqual([false, true, false]);
  expect([doubts.window, doubts.threshold]).toEqual([50_000, 70_000]);
});

test("end with a timeout", () => {
  const doubts = new RecoveryDoubts();
  doubts.begin(1, 1);
  doubts.sentAgain(1_000);
  doubts.end();
  expect(doubts.cameTwice(1_000)).toBe(false);
});
