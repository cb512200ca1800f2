// Sizes and patterns of generated payloads.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { largestPayload, patternPayload, sizeInBytes, sizeInRange, tooLarge } from "../../../src/agent/payload.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { Random } from "../../support/random.ts";

test("the largest payload is the largest datagram less the inner headers, and never negative", () => {
  expect(largestPayload(1306)).toBe(1278);
  expect(largestPayload(20)).toBe(0);
});

test("sizes relative to the largest payload follow the connection", () => {
  expect(sizeInBytes({ bytes: 64 }, 1278)).toBe(64);
  expect([-1, 0, 1].map((beyondLargest) => sizeInBytes({ beyondLargest }, 1278))).toEqual([1277, 1278, 1279]);
  expect(sizeInBytes({ beyondLargest: -1 }, 0)).toBe(0);
});

test("a datagram is too large from one byte over what fits", () => {
  expect(tooLarge(1306, 1306)).toBeUndefined();
  expect(tooLarge(1307, 1306)).toBe("a datagram of 1307 bytes is too large: 1306 fit");
});

describe("sizeInRange", () => {
  test("begins with both ends, whatever the range", () => {
    expect([0, 1].map((number) => sizeInRange(number, 0, 1278))).toEqual([0, 1278]);
    expect([0, 1, 2].map((number) => sizeInRange(number, 7, 7))).toEqual([7, 7, 7]);
    expect([0, 1, 2, 3].map((number) => sizeInRange(number, 5, 6))).toEqual([5, 6, 5, 6]);
  });

  test("gives every size once before any comes again", () => {
    const range = fc.tuple(fc.nat(40), fc.nat(400)).map(([least, more]) => [least, least + more] as const);
    fc.assert(
      fc.property(range, fc.nat(3), ([least, most], round) => {
        const count = most - least + 1;
        const sizes = Array.from({ length: count }, (_, at) => sizeInRange(round * count + at, least, most));
        expect([...sizes].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => least + at));
      }),
    );
  });
});

describe("patternPayload", () => {
  const random = () => 0.5;

  test("fills with zeros, ones and the sequence that starts again after 255", () => {
    expect(toHex(patternPayload("zeros", 3, random))).toBe("000000");
    expect(toHex(patternPayload("ones", 3, random))).toBe("ffffff");
    const sequential = patternPayload("sequential", 258, random);
    expect([sequential[0], sequential[1], sequential[255], sequential[256], sequential[257]]).toEqual([
      0, 1, 255, 0, 1,
    ]);
    expect(patternPayload("sequential", 0, random)).toHaveLength(0);
  });

  test("takes random bytes from the given source, over their whole range", () => {
    const source = new Random(7);
    const bytes = patternPayload("random", 4096, () => source.next());
    expect(new Set(bytes).size).toBe(256);
    expect(patternPayload("random", 2, () => 0.999999)).toEqual(Uint8Array.of(255, 255));
    const again = new Random(7);
    expect(patternPayload("random", 4096, () => again.next())).toEqual(bytes);
  });
});
