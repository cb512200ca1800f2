// RFC 1071's own example, odd lengths, and incremental updates that agree with computing everything again.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { writeU32 } from "../../../src/wire/bytes.ts";
import { adjust32, finish, sum16 } from "../../../src/wire/checksum.ts";
import { anyBytes, anyU16, anyU32 } from "../../support/arbitraries.ts";
import { slowChecksum } from "../../support/checksums.ts";
import { hex } from "../../support/vectors.ts";

describe("sums", () => {
  test("the example of RFC 1071, section 3", () => {
    const bytes = hex("0001 f203 f4f5 f6f7");
    expect(sum16(bytes, 0, bytes.length)).toBe(0x2ddf0);
    expect(finish(0x2ddf0)).toBe(0x220d);
  });

  test("an odd last byte counts as the high half, and an empty range adds nothing", () => {
    expect(sum16(hex("0102 03"), 0, 3)).toBe(0x0102 + 0x0300);
    expect(sum16(hex("0102"), 1, 1, 7)).toBe(7);
  });

  test("nothing outside the range counts", () => {
    expect(sum16(hex("ffff 0102 ffff"), 2, 4)).toBe(0x0102);
    expect(sum16(hex("ff 0102 03 ff"), 1, 4)).toBe(0x0402);
  });

  test("agree with the obvious computation, up to the longest packet there is", () => {
    fc.assert(
      fc.property(anyBytes(1500), (bytes) => finish(sum16(bytes, 0, bytes.length)) === slowChecksum([...bytes])),
    );
    const longest = new Uint8Array(65_535).fill(0xff);
    expect(finish(sum16(longest, 0, longest.length, 0x1fffe))).toBe(slowChecksum([...longest]));
  });
});

describe("incremental updates", () => {
  test("the example of RFC 1624, section 4, where the older equation fails", () => {
    expect(adjust32(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  test("agree with computing the whole sum again", () => {
    const words = fc.uint8Array({ minLength: 4, maxLength: 60 }).map((bytes) => bytes.subarray(0, bytes.length & ~3));
    fc.assert(
      fc.property(words, fc.nat(14), anyU32, (bytes, at, word) => {
        const position = (at * 4) % bytes.length;
        const before = slowChecksum([...bytes]);
        const changed = Uint8Array.from(bytes);
        writeU32(changed, position, word);
        fc.pre(changed.some((byte) => byte !== 0));
        const old = new DataView(bytes.buffer, bytes.byteOffset).getUint32(position);
        expect(adjust32(before, old, word)).toBe(slowChecksum([...changed]));
      }),
      { numRuns: 1_000 },
    );
  });

  test("there and back gives the same checksum, and no change changes nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xfffe }), anyU32, anyU32, (checksum, from, to) => {
        fc.pre(from !== 0 || checksum !== 0);
        expect(adjust32(adjust32(checksum, from, to), to, from) % 0xffff).toBe(checksum % 0xffff);
        expect(adjust32(checksum, from, from) % 0xffff).toBe(checksum % 0xffff);
      }),
    );
  });

  test("take signed numbers for the bits that they are", () => {
    fc.assert(
      fc.property(
        anyU16,
        anyU32,
        anyU32,
        (checksum, from, to) => adjust32(checksum, from | 0, to | 0) === adjust32(checksum, from, to),
      ),
    );
  });
});
