// How packets become messages that the kernel cuts up.
import { describe, expect, test } from "bun:test";
import { KernelAddress } from "../../../src/runtime/kernel-address.ts";
import { MAX_GROUPS, SegmentBatch } from "../../../src/runtime/segment-batch.ts";

const local = { socket: 0, host: "127.0.0.1", port: 1, fd: 3, family: 2, index: 0, source: new Uint8Array(0) };
const [a, b] = [new KernelAddress("192.0.2.1", 1, local), new KernelAddress("192.0.2.1", 2, local)];

function shapes(batch: SegmentBatch): string[] {
  return Array.from({ length: batch.waiting }, (_, i) => {
    const { packets, segmentBytes, bytes, to } = batch.group(i);
    return `${packets}×${segmentBytes}=${bytes}→${to.port}`;
  });
}

function fill(...packets: readonly (readonly [number, KernelAddress])[]): SegmentBatch {
  const batch = new SegmentBatch();
  for (const [length, to] of packets) batch.commit(length, to);
  return batch;
}

describe("a batch", () => {
  test("makes one message of equal neighbours for one destination", () => {
    expect(shapes(fill([1200, a], [1200, a], [1200, a]))).toEqual(["3×1200=3600→1"]);
  });

  test("lets a shorter packet end a message, and begins another after it", () => {
    expect(shapes(fill([1200, a], [300, a], [300, a]))).toEqual(["2×1200=1500→1", "1×300=300→1"]);
  });

  test("begins another for a longer packet and for another destination", () => {
    expect(shapes(fill([300, a], [1200, a], [1200, b]))).toEqual(["1×300=300→1", "1×1200=1200→1", "1×1200=1200→2"]);
  });

  test("puts at most 64 packets and 65,000 bytes into one message", () => {
    const small = fill(...Array.from({ length: 65 }, () => [10, a] as const));
    expect(shapes(small)).toEqual(["64×10=640→1", "1×10=10→1"]);
    const large = fill(...Array.from({ length: 50 }, () => [1350, a] as const));
    expect(shapes(large)).toEqual(["48×1350=64800→1", "2×1350=2700→1"]);
  });

  test("keeps packets apart where the kernel does not cut", () => {
    const batch = new SegmentBatch();
    batch.segmentation = false;
    batch.commit(10, a);
    batch.commit(10, a);
    expect(shapes(batch)).toEqual(["1×10=10→1", "1×10=10→1"]);
  });

  test("is full at its last group or byte, and empty again when everything is sent", () => {
    const groups = new SegmentBatch();
    for (let i = 0; i < MAX_GROUPS; i++) groups.commit(10, i % 2 === 0 ? a : b);
    expect(groups.full).toBe(true);
    groups.remove(0, MAX_GROUPS - 1);
    expect([groups.full, groups.waiting]).toEqual([true, 1]);
    groups.remove(0, 1);
    expect([groups.full, groups.waiting]).toEqual([false, 0]);
    const bytes = new SegmentBatch();
    let packets = 0;
    for (; !bytes.full; packets++) bytes.commit(bytes.next().length, a);
    expect(packets).toBe(Math.floor(bytes.buffer.length / 1350));
  });
});
