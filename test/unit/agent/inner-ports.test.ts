// Inner source ports: chance, then the next free one.
import { expect, test } from "bun:test";
import { choosePort } from "../../../src/agent/inner-ports.ts";

test("chance chooses, anywhere above the well-known ports", () => {
  const free = () => false;
  expect(choosePort(() => 0, free)).toBe(1024);
  expect(choosePort(() => 0.5, free)).toBe(1024 + 32_256);
  expect(choosePort(() => 0.999_999_99, free)).toBe(65_535);
});

test("the next free one takes the place of one that is taken, around the end", () => {
  expect(
    choosePort(
      () => 0.999_999_99,
      (port) => port === 65_535,
    ),
  ).toBe(1024);
  expect(
    choosePort(
      () => 0,
      (port) => port < 2000,
    ),
  ).toBe(2000);
});

test("there is none when all are taken", () => {
  let asked = 0;
  const taken = () => ++asked > 0;
  expect(choosePort(() => 0.3, taken)).toBeUndefined();
  expect(asked).toBe(64_512);
});
