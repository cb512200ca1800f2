// Views that are made once: the same bytes as fresh ones, and the same object where that was asked for before.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Tails, Views } from "../../../src/core/views.ts";

const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 31) & 0xff);

describe("views of a buffer", () => {
  test("show what a fresh view shows, whatever was asked for before", () => {
    const place = fc.tuple(fc.nat({ max: 2048 }), fc.nat({ max: 2048 }));
    fc.assert(
      fc.property(fc.array(place, { maxLength: 200 }), (places) => {
        const views = new Views(bytes);
        for (const [offset, length] of places) {
          expect(views.at(offset, length)).toEqual(bytes.subarray(offset, offset + length));
        }
      }),
    );
  });

  test("are the same object for the same place, also in a buffer that is itself a part", () => {
    const views = new Views(bytes.subarray(100, 2000));
    const one = views.at(7, 1200);
    expect(views.at(7, 1200)).toBe(one);
    expect(one.byteOffset).toBe(107);
    expect(views.at(8, 1200)).not.toBe(one);
  });
});

describe("tails of views", () => {
  test("are what follows, and the same object for the same view", () => {
    const tails = new Tails();
    const [a, b] = [bytes.subarray(0, 1200), bytes.subarray(0, 1200)];
    expect(tails.of(a, 9)).toEqual(a.subarray(9));
    expect(tails.of(a, 9)).toBe(tails.of(a, 9));
    expect(tails.of(a, 10)).toEqual(a.subarray(10));
    expect(tails.of(b, 10).byteOffset).toBe(10);
    expect(tails.of(bytes.subarray(64, 1264), 10).byteOffset).toBe(74);
  });
});
