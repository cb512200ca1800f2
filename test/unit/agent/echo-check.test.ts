// The comparison of the reference client: a payload matches if any answer carries the same bytes.
import { expect, test } from "bun:test";
import { EchoCheck } from "../../../src/agent/echo-check.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("counts what was sent and whether it came back, in any order", () => {
  const check = new EchoCheck();
  for (const payload of [bytes(1), bytes(2, 2), bytes()]) check.sent(payload);
  for (const payload of [bytes(2, 2), bytes(9), bytes(1)]) check.answered(payload);
  expect(check.result()).toEqual({ matches: 2, mismatches: 1, total: 3 });
});

test("lets one answer stand for equal payloads, as the reference does", () => {
  const check = new EchoCheck();
  for (let i = 0; i < 3; i += 1) check.sent(bytes(7));
  check.answered(bytes(7));
  expect(check.result()).toEqual({ matches: 3, mismatches: 0, total: 3 });
});

test("does not match a payload that is only similar", () => {
  const check = new EchoCheck();
  check.sent(bytes(1, 2, 3));
  for (const payload of [bytes(1, 2), bytes(1, 2, 3, 0), bytes(1, 2, 4)]) check.answered(payload);
  expect(check.result()).toEqual({ matches: 0, mismatches: 1, total: 1 });
});
