// Reading past the end yields undefined for good; writing past it is a bug; hexadecimal text both ways.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromHex, Reader, readU16, readU32, toHex, Writer, writeU16, writeU32 } from "../../../src/wire/bytes.ts";
import { anyBytes, anyU16, anyU32 } from "../../support/arbitraries.ts";
import { hex } from "../../support/vectors.ts";

describe("Reader", () => {
  test("reads big-endian fields and views from the front", () => {
    const reader = new Reader(hex("fe 0102 fffefdfc aabbcc dd"));
    expect(reader.u8()).toBe(0xfe);
    expect(reader.u16()).toBe(0x0102);
    expect(reader.u32()).toBe(0xfffefdfc);
    expect(reader.take(3)).toEqual(hex("aabbcc"));
    expect(reader.remaining).toBe(1);
    expect(reader.rest()).toEqual(hex("dd"));
    expect(reader.rest()).toEqual(hex(""));
    expect(reader.u8()).toBeUndefined();
  });

  test("after one read past the end every read fails, so that a message is never half understood", () => {
    const reader = new Reader(hex("0102 03"));
    expect(reader.u32()).toBeUndefined();
    expect(reader.u8()).toBeUndefined();
    expect(reader.take(0)).toBeUndefined();
    expect(reader.rest()).toBeUndefined();
    expect(reader.remaining).toBe(0);
  });

  test("any field may be the first, and all there is", () => {
    const reader = new Reader(hex("010203"));
    expect(reader.take(3)).toEqual(hex("010203"));
    expect(reader.take(0)).toEqual(hex(""));
    expect(new Reader(hex("0102")).u16()).toBe(0x0102);
    expect(new Reader(hex("01020304")).u32()).toBe(0x01020304);
  });

  test("impossible lengths are failures like any other", () => {
    for (const length of [-1, Number.NaN, 4, Number.POSITIVE_INFINITY]) {
      expect(new Reader(hex("010203")).take(length)).toBeUndefined();
    }
  });

  test("works on a view into a larger buffer without leaving it", () => {
    const reader = new Reader(hex("ff 0102 ff").subarray(1, 3));
    expect(reader.u16()).toBe(0x0102);
    expect(reader.u8()).toBeUndefined();
  });
});

describe("Writer", () => {
  test("writes what the reader reads", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), anyU16, anyU32, anyBytes(), (byte, short, word, tail) => {
        const written = new Writer(new Uint8Array(300)).u8(byte).u16(short).u32(word).put(tail).written();
        const reader = new Reader(written);
        expect([reader.u8(), reader.u16(), reader.u32()]).toEqual([byte, short, word]);
        expect(reader.rest()).toEqual(tail);
      }),
    );
  });

  test("fills its buffer to the last byte", () => {
    expect(new Writer(new Uint8Array(4)).u8(1).u16(2).put(hex("ff")).written()).toEqual(hex("01 0002 ff"));
  });

  test("touches nothing behind what it wrote", () => {
    const buffer = hex("eeeeeeeeeeeeeeeeee");
    new Writer(buffer).u8(1).u16(2).u32(3);
    expect(buffer).toEqual(hex("01 0002 00000003 eeee"));
  });

  test("refuses values that do not fit and bytes beyond the end", () => {
    const writer = new Writer(new Uint8Array(2));
    for (const value of [-1, 256, 1.5, Number.NaN]) expect(() => writer.u8(value)).toThrow(RangeError);
    expect(() => writer.u16(0x1_0000)).toThrow(RangeError);
    expect(() => writer.u32(1)).toThrow(RangeError);
    expect(() => writer.put(new Uint8Array(3))).toThrow(RangeError);
    expect(writer.length).toBe(0);
  });
});

test("the bare accessors agree with the checked ones", () => {
  fc.assert(
    fc.property(anyU16, anyU32, fc.nat(5), (short, word, at) => {
      const bytes = new Uint8Array(12).fill(0xee);
      writeU16(bytes, at, short);
      writeU32(bytes, at + 2, word);
      expect([readU16(bytes, at), readU32(bytes, at + 2)]).toEqual([short, word]);
      const reader = new Reader(bytes.subarray(at));
      expect([reader.u16(), reader.u32()]).toEqual([short, word]);
      expect(bytes.subarray(at + 6)).toEqual(new Uint8Array(6 - at).fill(0xee));
    }),
  );
});

describe("hexadecimal text", () => {
  test("comes back as the same bytes, in either case", () => {
    fc.assert(
      fc.property(anyBytes(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
    expect(toHex(Uint8Array.of(0, 15, 16, 255))).toBe("000f10ff");
  });

  test("anything else is undefined", () => {
    for (const text of ["0", "0g", "0x01", " 01", "01 ", "é0", "-1"]) expect(fromHex(text)).toBeUndefined();
    expect(fromHex("")).toEqual(new Uint8Array(0));
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void fromHex(text)));
  });
});
