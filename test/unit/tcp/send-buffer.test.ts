// Bytes kept until acknowledged: by reference or gathered, found anywhere, given up from the front.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { SendBuffer } from "../../../src/tcp/send-buffer.ts";
import { streamBytes } from "../../support/tcp-script.ts";

const copy = (buffer: SendBuffer, position: number, length: number): Uint8Array => {
  const out = new Uint8Array(length + 2).fill(0xa5);
  buffer.copyTo(out, 1, position, length);
  expect([out[0], out[length + 1]]).toEqual([0xa5, 0xa5]);
  return out.subarray(1, length + 1);
};

describe("append", () => {
  test("keeps what was given as it is, and a copy of what was lent", () => {
    const buffer = new SendBuffer(10_000, new PagePool(0));
    const given = new Uint8Array(1_000).fill(1);
    const lent = new Uint8Array(1_000).fill(2);
    buffer.append(given, "given");
    buffer.append(lent, "lent");
    given.fill(3);
    lent.fill(4);
    expect([copy(buffer, 1, 1)[0], copy(buffer, 1_001, 1)[0]]).toEqual([3, 2]);
  });

  test("takes what there is room for", () => {
    const buffer = new SendBuffer(1_000, new PagePool(0));
    expect(buffer.append(new Uint8Array(700), "given")).toBe(700);
    expect(buffer.append(streamBytes(701, 700), "given")).toBe(300);
    expect([buffer.append(new Uint8Array(1), "lent"), buffer.room, buffer.length]).toEqual([0, 0, 1_000]);
    expect(copy(buffer, 701, 300)).toEqual(streamBytes(701, 300));
  });

  test("follows a window that has fractions of bytes by whole bytes", () => {
    const window = 400_000.3;
    const buffer = new SendBuffer(1024 * 1024, new PagePool(0));
    buffer.follow(window);
    expect(buffer.append(streamBytes(1, 700_000), "lent")).toBe(700_000);
    expect(buffer.append(streamBytes(700_001, 200_000), "lent")).toBe(Math.floor(2 * window) - 700_000);
    expect([buffer.room, buffer.end]).toEqual([0, 1 + Math.floor(2 * window)]);
    expect(copy(buffer, 700_001, 100_000)).toEqual(streamBytes(700_001, 100_000));
  });

  test("a thousand small writes cost little more than their bytes", () => {
    const buffer = new SendBuffer(100_000, new PagePool(0));
    for (let i = 0; i < 1_000; i += 1) buffer.append(streamBytes(1 + i * 3, 3), "given");
    expect(buffer.held).toBeLessThan(3_000 + 2 * 2_048);
    expect(copy(buffer, 1, 3_000)).toEqual(streamBytes(1, 3_000));
  });
});

describe("any writes and acknowledgements", () => {
  test("leave exactly the bytes in between, wherever one looks", () => {
    const write = fc.oneof(fc.nat(3), fc.nat(300), fc.nat(4_000));
    const steps = fc.array(fc.tuple(write, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (lives) => {
        const buffer = new SendBuffer(20_000, new PagePool(0));
        for (const [length, given, share] of lives) {
          buffer.append(streamBytes(buffer.end, length), given ? "given" : "lent");
          if (share > 0.5) buffer.release(buffer.first + Math.floor(buffer.length * (share - 0.5) * 2));
          const from = buffer.first + Math.floor(buffer.length * share);
          expect(copy(buffer, from, buffer.end - from)).toEqual(streamBytes(from, buffer.end - from));
        }
        buffer.clear();
        expect([buffer.held, buffer.length, buffer.room]).toEqual([0, 0, 20_000]);
      }),
    );
  });

  test("bytes that are not there are a bug and throw", () => {
    const buffer = new SendBuffer(100, new PagePool(0));
    buffer.append(new Uint8Array(50), "given");
    buffer.release(10);
    buffer.release(5);
    expect(() => copy(buffer, 9, 1)).toThrow(RangeError);
    expect(() => copy(buffer, 50, 2)).toThrow(RangeError);
    expect(() => buffer.release(52)).toThrow(RangeError);
  });
});

test("what was copied goes back into the pool once it is acknowledged, what was given does not", () => {
  const pool = new PagePool(1 << 20);
  const buffer = new SendBuffer(1 << 20, pool);
  buffer.append(new Uint8Array(60_000), "lent");
  buffer.append(new Uint8Array(60_000), "given");
  buffer.append(new Uint8Array(10), "given");
  expect(pool.kept).toBe(0);
  buffer.release(1 + 60_000);
  expect(pool.kept).toBe(65_536);
  buffer.release(1 + 120_000);
  expect(pool.kept).toBe(65_536);
  buffer.clear();
  expect(pool.kept).toBe(65_536 + 2_048);
  buffer.append(new Uint8Array(50_000), "lent");
  expect(pool.kept).toBe(2_048);
});

test("as much is kept as the network takes, twice, within bounds", () => {
  const buffer = new SendBuffer(4 << 20, new PagePool(0));
  expect(buffer.room).toBe(512 * 1024);
  buffer.follow(1 << 20);
  expect(buffer.append(new Uint8Array(3 << 20), "given")).toBe(2 << 20);
  buffer.follow(10_000);
  expect(buffer.room).toBe(0);
  buffer.release(1 + (2 << 20));
  expect(buffer.room).toBe(512 * 1024);
  buffer.follow(1 << 30);
  expect(buffer.room).toBe(4 << 20);
  expect(new SendBuffer(1_000, new PagePool(0)).room).toBe(1_000);
});
