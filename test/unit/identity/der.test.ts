// The strict reader: one encoding per value and nothing beyond the end.
import { describe, expect, test } from "bun:test";
import {
  DerError,
  DerReader,
  readBits,
  readBoolean,
  readInteger,
  readOid,
  readTime,
  TAG,
} from "../../../src/identity/der.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);
const ascii = (text: string) => new TextEncoder().encode(text);

test("values are read in order, with a view of their content", () => {
  const reader = new DerReader(bytes(0x30, 0x05, 0x02, 0x01, 0x07, 0x05, 0x00));
  const inner = reader.enter();
  reader.end();
  expect([...inner.take(TAG.integer)]).toEqual([7]);
  expect(inner.tag).toBe(0x05);
  expect(inner.next()).toEqual({ tag: 0x05, content: bytes() });
  expect(inner.done).toBe(true);
  expect(inner.tag).toBeUndefined();
});

test("a long length is read, and the encoded value can be had without going past it", () => {
  const long = bytes(0x04, 0x81, 0x80, ...new Array<number>(128).fill(1));
  const reader = new DerReader(long);
  expect(reader.peekEncoded()).toEqual(long);
  expect(reader.take(TAG.octetString)).toHaveLength(128);
  reader.end();
});

test("an optional value is taken only under its tag", () => {
  const reader = new DerReader(bytes(0x01, 0x01, 0xff));
  expect(reader.optional(TAG.integer)).toBeUndefined();
  expect(reader.optional(TAG.boolean)).toEqual(bytes(0xff));
  expect(reader.optional(TAG.boolean)).toBeUndefined();
});

describe("refused", () => {
  const cases: readonly [string, Uint8Array][] = [
    ["nothing at all", bytes()],
    ["a tag without a length", bytes(0x04)],
    ["content cut off", bytes(0x04, 0x02, 0x01)],
    ["an indefinite length", bytes(0x30, 0x80, 0x00, 0x00)],
    ["a long length that would fit the short form", bytes(0x04, 0x81, 0x01, 0x00)],
    ["a long length with a leading zero", bytes(0x04, 0x82, 0x00, 0x80, ...new Array<number>(128).fill(0))],
    ["a length cut off", bytes(0x04, 0x82, 0x01)],
    ["a length of five bytes", bytes(0x04, 0x85, 1, 0, 0, 0, 0)],
    ["a length of 4 GiB", bytes(0x04, 0x84, 0xff, 0xff, 0xff, 0xff)],
  ];
  test.each(cases)("%s", (_, der) => {
    expect(() => new DerReader(der).next()).toThrow(DerError);
  });

  test("another tag than the expected one, and anything left at the end", () => {
    expect(() => new DerReader(bytes(0x04, 0x00)).take(TAG.integer)).toThrow(DerError);
    expect(() => new DerReader(bytes(0x04, 0x00)).end()).toThrow(DerError);
  });

  test("a value that would go on behind the one that holds it", () => {
    for (const inside of [[0x04], [0x04, 0x81], [0x04, 0x82, 0x01]]) {
      const outer = new DerReader(bytes(0x30, inside.length, ...inside, 0x00, 0x00, ...new Array<number>(300).fill(1)));
      expect(() => outer.enter().next()).toThrow(DerError);
    }
  });

  test("a value that is longer than the one that holds it", () => {
    const outer = new DerReader(bytes(0x30, 0x03, 0x04, 0x02, 0xaa, 0xbb, 0xcc));
    expect(() => outer.enter().next()).toThrow(DerError);
  });
});

test("booleans are 00 or ff", () => {
  expect([readBoolean(bytes(0xff)), readBoolean(bytes(0x00))]).toEqual([true, false]);
  for (const wrong of [bytes(), bytes(0x01), bytes(0xff, 0xff)]) expect(() => readBoolean(wrong)).toThrow(DerError);
});

test("integers are the shortest two's complement", () => {
  for (const right of [bytes(0), bytes(0x7f), bytes(0x80), bytes(0x00, 0x80), bytes(0xff, 0x7f)]) {
    expect(readInteger(right)).toEqual(right);
  }
  for (const wrong of [bytes(), bytes(0, 0x7f), bytes(0, 0), bytes(0xff, 0x80)]) {
    expect(() => readInteger(wrong)).toThrow(DerError);
  }
});

test("bit strings count their bits, and the unused ones are zero", () => {
  expect(readBits(bytes(0))).toEqual({ bytes: bytes(), length: 0 });
  expect(readBits(bytes(7, 0x80))).toEqual({ bytes: bytes(0x80), length: 1 });
  for (const wrong of [bytes(), bytes(8, 0), bytes(1), bytes(7, 0xc0)]) expect(() => readBits(wrong)).toThrow(DerError);
});

test("object ids are dotted decimals", () => {
  expect(readOid(bytes(0x55, 0x1d, 0x11))).toBe("2.5.29.17");
  expect(readOid(bytes(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d))).toBe("1.2.840.113549");
  expect(readOid(bytes(0x88, 0x37, 0x03))).toBe("2.999.3");
  expect(readOid(bytes(0x00))).toBe("0.0");
  const endless = bytes(0x2a, ...new Array<number>(12).fill(0xff), 0x7f);
  for (const wrong of [bytes(), bytes(0x2a, 0x86), bytes(0x2a, 0x80, 0x01), endless]) {
    expect(() => readOid(wrong)).toThrow(DerError);
  }
});

describe("times", () => {
  const right: readonly [number, string][] = [
    [TAG.utcTime, "700101000000Z"],
    [TAG.utcTime, "491231235959Z"],
    [TAG.utcTime, "500101000000Z"],
    [TAG.utcTime, "240229120000Z"],
    [TAG.generalizedTime, "20000229000000Z"],
    [TAG.generalizedTime, "21000301000000Z"],
    [TAG.generalizedTime, "99991231235959Z"],
    [TAG.generalizedTime, "19000101000000Z"],
  ];
  test.each(right)("%d %s is the moment that it says", (tag, text) => {
    const year = tag === TAG.utcTime ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
    const [, y, mo, d, h, mi, s] = /^(....)(..)(..)(..)(..)(..)Z$/.exec(year) as RegExpExecArray;
    expect(readTime({ tag, content: ascii(text) })).toBe(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`));
  });

  const wrong: readonly [number, string][] = [
    [TAG.utcTime, ""],
    [TAG.utcTime, "2601010000Z"],
    [TAG.utcTime, "260101000000+0000"],
    [TAG.utcTime, "260101000000z"],
    [TAG.utcTime, "261301000000Z"],
    [TAG.utcTime, "260001000000Z"],
    [TAG.utcTime, "260100000000Z"],
    [TAG.utcTime, "260230000000Z"],
    [TAG.utcTime, "250229000000Z"],
    [TAG.utcTime, "260431000000Z"],
    [TAG.utcTime, "260101240000Z"],
    [TAG.utcTime, "260101006000Z"],
    [TAG.utcTime, "260101000060Z"],
    [TAG.generalizedTime, "260101000000Z"],
    [TAG.generalizedTime, "20260101000000.5Z"],
    [TAG.generalizedTime, "21000229000000Z"],
    [TAG.utf8String, "260101000000Z"],
  ];
  test.each(wrong)("%d %j is refused", (tag, text) => {
    expect(() => readTime({ tag, content: ascii(text) })).toThrow(DerError);
  });
});
