// A benchmark has to say when its figures mean nothing.
import { expect, test } from "bun:test";
import type { Run } from "../../bench/bed.ts";
import { remarkOn } from "../../bench/losses.ts";
import { figure, showReport } from "../../bench/report.ts";

function run(sent: number, received: number, losses: Run["losses"] = []): Run {
  const lostPart = (sent - received) / sent;
  const times = { seconds: 1, p50Us: 100, p99Us: 200 };
  return { ...times, ...{ sent, received, refused: 0, stuck: 0, kernelDrops: 0, lostPart, losses } };
}

test("of rounds in which all that was wanted arrived there is nothing to say", () => {
  expect(remarkOn(1000, [run(1000, 1000), run(995, 995)])).toBeUndefined();
});

test("a round in which nothing arrived is named, with the relay's reason", () => {
  const silent = run(1000, 0, [{ where: "relay, agent: no-connector", count: 1000 }]);
  const remark = remarkOn(1000, [run(1000, 1000), silent]);
  expect(remark).toContain("nothing arrived in 1 of 2 rounds");
  expect(remark).toContain("100.00 % relay, agent: no-connector");
});

test("a driver that had no time for what it was to offer is named", () => {
  expect(remarkOn(1000, [run(700, 700)])).toBe("the driver had time for 70 % in one round");
});

test("a loss that nobody counted was on the way", () => {
  expect(remarkOn(1000, [run(1000, 900)])).toBe("worst round lost 10.00 %: on the way");
});

test("a median is that of the rounds with a number, and none when there is no such round", () => {
  expect(figure([1, Number.NaN, 3, Number.POSITIVE_INFINITY])).toMatchObject({ median: 3, min: 1, max: 3 });
  const row = { measure: "cost", figure: figure([Number.NaN]), unit: "×", remark: "nothing arrived in 1 of 1 rounds" };
  expect(showReport([row])).toContain("| cost | none |  | × |  | nothing arrived in 1 of 1 rounds |");
});
