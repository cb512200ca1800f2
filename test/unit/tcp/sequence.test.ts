// Conversions between positions and 32-bit numbers, around the places where the numbers wrap.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isAfter, toPosition, toWire } from "../../../src/tcp/sequence.ts";
import { anyU32 } from "../../support/arbitraries.ts";

test("a position comes back from its wire number, wherever the stream has got to", () => {
  fc.assert(
    fc.property(
      anyU32,
      fc.nat(2 ** 45),
      fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
      (initial, near, offset) => {
        const position = near + offset;
        expect(toPosition(toWire(position, initial), initial, near)).toBe(position);
      },
    ),
  );
});

test("numbers wrap behind the largest", () => {
  expect(toWire(0x10, 0xffff_fff8)).toBe(8);
  expect(toPosition(8, 0xffff_fff8, 0)).toBe(0x10);
  expect(toPosition(0xffff_fff0, 0xffff_fff8, 0)).toBe(-8);
  expect(toPosition(0, 0, 2 ** 40)).toBe(2 ** 40);
});

test("half of the circle ahead is after", () => {
  expect(isAfter(1, 0xffff_ffff)).toBe(true);
  expect(isAfter(0xffff_ffff, 1)).toBe(false);
  expect(isAfter(5, 5)).toBe(false);
  expect(isAfter(0x7fff_ffff, 0)).toBe(true);
  expect(isAfter(0x8000_0001, 0)).toBe(false);
});
