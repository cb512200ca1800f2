// The hash is a function of the secret and the bytes, and of both.
import { expect, test } from "bun:test";
import { keyedHash } from "../../../src/runtime/keyed-hash.ts";

const bytes = Uint8Array.of(1, 2, 3);

test("the same secret and bytes give the same number, and another of either gives another", () => {
  const hash = keyedHash(Uint8Array.of(1));
  expect(hash(bytes)).toBe(keyedHash(Uint8Array.of(1))(bytes));
  expect(hash(bytes)).not.toBe(hash(Uint8Array.of(1, 2, 4)));
  expect(hash(bytes)).not.toBe(keyedHash(Uint8Array.of(2))(bytes));
});

test("numbers are 32 bits without a sign, and every process has a secret of its own", () => {
  const hashes = Array.from({ length: 50 }, () => keyedHash()(bytes));
  expect(new Set(hashes).size).toBe(50);
  for (const hash of hashes) expect(hash >>> 0).toBe(hash);
  expect(Math.max(...hashes)).toBeGreaterThan(0x7fffffff);
});
