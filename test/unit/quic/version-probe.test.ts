// The packet that asks a QUIC server for its versions, and its answer.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeVersionProbe, versionAnswerId } from "../../../src/quic/version-probe.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";

const ID = fromHex("0102030405060708") as Uint8Array;

test("a probe is an Initial of a version that does not exist, of exactly the size asked for", () => {
  const probe = encodeVersionProbe(ID, 1350);
  expect(probe.length).toBe(1350);
  expect(toHex(probe.subarray(0, 26))).toBe("c01a2a3a4a0801020304050607080801020304050607080045" + "2c");
});

test("an answer names the id of its probe", () => {
  const answer = fromHex("c0000000000801020304050607080801020304050607080000" + "0001") as Uint8Array;
  expect(versionAnswerId(answer)).toBe("0102030405060708");
  expect(versionAnswerId(fromHex("c000000001080102030405060708") as Uint8Array)).toBeUndefined();
  expect(versionAnswerId(fromHex("40000000000801020304050607080801") as Uint8Array)).toBeUndefined();
});

test("whatever comes back is an answer or nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const id = versionAnswerId(bytes);
      if (id !== undefined) expect(id.length).toBe(2 * (bytes[5] as number));
    }),
  );
});
