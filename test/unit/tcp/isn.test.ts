// Initial numbers: unpredictable between flows, growing within one.
import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { initialNumbers } from "../../../src/tcp/isn.ts";
import { FLOW } from "../../support/tcp-script.ts";

const keyedWith = (secret: string) => (bytes: Uint8Array) =>
  createHmac("sha256", secret).update(bytes).digest().readUInt32BE();
const hash = keyedWith("secret");

test("grow by one every four microseconds, and wrap", () => {
  const first = initialNumbers(FLOW, hash, 10.0);
  const later = initialNumbers(FLOW, hash, 11.5);
  expect((later.initialSequence - first.initialSequence) >>> 0).toBe(375);
  const wrapped = initialNumbers(FLOW, hash, 2 ** 32 / 250 + 10);
  expect(wrapped.initialSequence).toBe(first.initialSequence);
});

test("differ with every part of the flow and with the secret", () => {
  const variants = [
    FLOW,
    { ...FLOW, source: 1 },
    { ...FLOW, sourcePort: 1 },
    { ...FLOW, destination: 1 },
    { ...FLOW, destinationPort: 1 },
  ].map((flow) => initialNumbers(flow, hash, 5).initialSequence);
  variants.push(initialNumbers(FLOW, keyedWith("other"), 5).initialSequence);
  expect(new Set(variants).size).toBe(6);
});

test("timestamps begin elsewhere, and stay there", () => {
  const { initialSequence, timestampOffset } = initialNumbers(FLOW, hash, 0);
  expect(timestampOffset).not.toBe(initialSequence);
  expect(initialNumbers(FLOW, hash, 1e6).timestampOffset).toBe(timestampOffset);
  expect(initialNumbers({ ...FLOW, source: 1 }, hash, 0).timestampOffset).not.toBe(timestampOffset);
});

test("a hash with its highest bit set gives a number, not a negative one", () => {
  const { initialSequence, timestampOffset } = initialNumbers(FLOW, () => -1, 0);
  expect([initialSequence, timestampOffset]).toEqual([0xffff_ffff, 0xffff_ffff]);
});
