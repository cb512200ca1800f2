// Bytes put in order: pages, views, bounds.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { ReceiveBuffer } from "../../../src/tcp/receive-buffer.ts";
import { streamBytes } from "../../support/tcp-script.ts";

const insert = (buffer: ReceiveBuffer, position: number, length: number) =>
  buffer.insert(position, streamBytes(position, length), 0, length);

function readAll(buffer: ReceiveBuffer): Uint8Array {
  const pieces: number[] = [];
  for (let view = buffer.view(0); view.length > 0; view = buffer.view(0)) {
    pieces.push(...view);
    buffer.consume(view.length);
  }
  return Uint8Array.from(pieces);
}

describe("insert", () => {
  test("takes a part of a packet and leaves the packet alone", () => {
    const buffer = new ReceiveBuffer(1_000, new PagePool(0));
    const packet = Uint8Array.of(9, 9, 1, 2, 3, 9);
    expect(buffer.insert(1, packet, 2, 5)).toBe(true);
    packet.fill(0);
    expect([...buffer.view(0)]).toEqual([1, 2, 3]);
    expect([buffer.next, buffer.readable]).toEqual([4, 3]);
  });

  test("says when nothing was new or nothing fitted", () => {
    const buffer = new ReceiveBuffer(100, new PagePool(0));
    expect([insert(buffer, 1, 50), insert(buffer, 1, 50), insert(buffer, 101, 5)]).toEqual([true, false, false]);
    expect(insert(buffer, 51, 500)).toBe(true);
    expect(buffer.readable).toBe(100);
    expect(insert(buffer, 101, 1)).toBe(false);
  });

  test("whatever the order, the stream comes out as it is", () => {
    const piece = fc.tuple(fc.nat(5_000), fc.integer({ min: 1, max: 1_500 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const pool = new PagePool(100_000);
        const buffer = new ReceiveBuffer(20_000, pool);
        for (const [offset, length] of [
          ...pieces,
          ...Array.from({ length: 7 }, (_, i) => [i * 1_000, 1_000] as const),
        ]) {
          insert(buffer, 1 + offset, length);
        }
        const { readable } = buffer;
        expect(readable).toBeGreaterThanOrEqual(7_000);
        expect(readAll(buffer)).toEqual(streamBytes(1, readable));
        expect(buffer.early.count === 0 ? buffer.held : 0).toBe(0);
      }),
    );
  });
});

describe("views", () => {
  test("stay as they are until their bytes are consumed, whatever comes and goes meanwhile", () => {
    const buffer = new ReceiveBuffer(100_000, new PagePool(100_000));
    insert(buffer, 1, 3_000);
    const first = buffer.view(0);
    const second = buffer.view(first.length);
    const copies = [first.slice(), second.slice()];
    insert(buffer, 3_001, 20_000);
    buffer.consume(first.length - 1);
    insert(buffer, 23_001, 9_000);
    expect([first.subarray(-1), second]).toEqual([copies[0]!.subarray(-1), copies[1]!]);
  });

  test("behind what was handed out already", () => {
    const buffer = new ReceiveBuffer(100_000, new PagePool(0));
    insert(buffer, 1, 100);
    expect(buffer.view(60)).toEqual(streamBytes(61, 40));
    expect(buffer.view(100)).toHaveLength(0);
    expect(() => buffer.consume(101)).toThrow(RangeError);
  });
});

describe("memory", () => {
  test("is none before, little for little, and none again afterwards", () => {
    const pool = new PagePool(1 << 20);
    const buffer = new ReceiveBuffer(1 << 20, pool);
    expect(buffer.held).toBe(0);
    insert(buffer, 1, 10);
    expect(buffer.held).toBe(2_048);
    buffer.consume(10);
    expect([buffer.held, pool.kept]).toEqual([0, 2_048]);
  });

  test("is at most the capacity and two pages, however bytes come", () => {
    const buffer = new ReceiveBuffer(200_000, new PagePool(0));
    insert(buffer, 199_000, 1_000);
    for (let at = 1; at < 200_000; at += 777) {
      insert(buffer, at, 1_000);
      if (at % 5 === 0) buffer.consume(Math.floor(buffer.readable / 2));
      expect(buffer.held).toBeLessThanOrEqual(200_000 + 2 * 65_536);
    }
  });

  test("goes back to the pool when everything is given up", () => {
    const pool = new PagePool(1 << 20);
    const buffer = new ReceiveBuffer(200_000, pool);
    insert(buffer, 1, 5_000);
    insert(buffer, 50_000, 10);
    const { held } = buffer;
    buffer.clear();
    expect([buffer.held, buffer.readable, buffer.early.count, pool.kept]).toEqual([0, 0, 0, held]);
  });
});
