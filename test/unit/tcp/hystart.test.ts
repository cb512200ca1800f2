// RFC 9406: growth slows when round trips grow, and ends when they stay long.
import { expect, test } from "bun:test";
import { HyStart } from "../../../src/tcp/hystart.ts";

/** Rounds of ten acknowledgements, with ten segments on their way; returns what the last of each round allowed, undefined at the end of slow start. */
function rounds(...rtts: number[]): (number | undefined)[] {
  const hystart = new HyStart();
  return rtts.map((rtt, round) => {
    const growths = Array.from({ length: 10 }, (_, i) =>
      hystart.growth(1_000, rtt, round * 10 + i + 1, round * 10 + i + 11),
    );
    return growths.includes(undefined) ? undefined : growths.at(-1);
  });
}

test("grows by what is acknowledged while round trips stay as they are", () => {
  expect(rounds(20, 20.5, 22, 21)).toEqual([1_000, 1_000, 1_000, 1_000]);
});

test("a quarter as fast once they grew by an eighth, at least 4 ms; over after five such rounds", () => {
  expect(rounds(20, 20, 25, 25, 25, 25, 25, 25)).toEqual([1_000, 1_000, 250, 250, 250, 250, 250, undefined]);
  expect(rounds(100, 100, 111, 111)).toEqual([1_000, 1_000, 1_000, 1_000]);
  expect(rounds(100, 100, 114)).toEqual([1_000, 1_000, 250]);
});

test("goes on as before when they shrink again", () => {
  expect(rounds(20, 20, 26, 20, 20)).toEqual([1_000, 1_000, 250, 1_000, 1_000]);
});
