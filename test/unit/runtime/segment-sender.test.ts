// What the sender of batches does when the kernel refuses a group: a scripted kernel says what becomes of each call.

import { ptr } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { MAX_WAIT_MS } from "../../../src/quic/connection.ts";
import { KernelAddress, type KernelLocal } from "../../../src/runtime/kernel-address.ts";
import type { Libc } from "../../../src/runtime/libc.ts";
import { SegmentBatch } from "../../../src/runtime/segment-batch.ts";
import { SegmentSender } from "../../../src/runtime/segment-sender.ts";
import { AF_INET } from "../../../src/runtime/socket-address.ts";
import { newUdpSocketStats } from "../../../src/runtime/udp-socket.ts";

const EPERM = 1;
const EAGAIN = 11;
const EINVAL = 22;
const EMSGSIZE = 90;
/** What one call gives: messages sent, or minus an error number. */
type Call = number;

const LOCAL: KernelLocal = {
  socket: 0,
  host: "127.0.0.1",
  port: 1,
  fd: 3,
  family: AF_INET,
  index: 0,
  source: new Uint8Array(0),
};
const TO = new KernelAddress("127.0.0.1", 2, LOCAL);

function sender(...calls: Call[]) {
  return senderTo(() => {
    const call = calls.shift();
    if (call === undefined) throw new Error("called too often");
    return call;
  }, calls);
}

/** `kernel` says what becomes of each call. */
function senderTo(kernel: (fd: number, messages: number) => Call, calls: Call[] = []) {
  const errno = new Int32Array(1);
  const sendmmsg = (fd: number, _vector: unknown, messages: number) => {
    const call = kernel(fd, messages);
    if (call > 0) return call;
    errno[0] = -call;
    return -1;
  };
  const libc = { sendmmsg, __errno_location: () => ptr(errno) } as unknown as Libc;
  const stats = newUdpSocketStats();
  const batch = new SegmentBatch();
  const steps: number[] = [];
  const made = new SegmentSender(libc, batch, stats, (reason) => steps.push(reason));
  const write = (count: number) => {
    for (let n = 0; n < count; n++) batch.commit(100, TO);
  };
  return { write, flush: (now = 0) => made.flush(now), stats, batch, steps, calls };
}

test("a kernel that takes single packets where it refuses a group is not asked to segment again, and that is said once", () => {
  const { write, flush, stats, batch, steps, calls } = sender(-EINVAL, 1, 1, 1, 2);
  write(3);
  expect(flush()).toBe(true);
  write(2);
  expect(flush()).toBe(true);
  expect([stats.sentPackets, stats.sendErrors, batch.segmentation]).toEqual([5, 0, false]);
  expect([steps, calls]).toEqual([[EINVAL], []]);
});

test("a destination that takes no packet at all says nothing about segmentation", () => {
  const { write, flush, stats, batch, steps } = sender(-EINVAL, -EINVAL, -EINVAL, 1);
  write(2);
  expect(flush()).toBe(true);
  write(2);
  expect(flush()).toBe(true);
  expect([stats.sentPackets, stats.sendErrors, batch.segmentation]).toEqual([2, 2, true]);
  expect(steps).toEqual([]);
});

test("a path that is too narrow for a group costs that group its batching, not the others", () => {
  const { write, flush, batch, stats, steps } = sender(-EMSGSIZE, 1, 1);
  write(2);
  expect(flush()).toBe(true);
  expect([stats.sentPackets, batch.segmentation, steps]).toEqual([2, true, []]);
});

test("a firewall's refusal costs the group and nothing else", () => {
  const { write, flush, stats, batch } = sender(-EPERM);
  write(3);
  expect(flush()).toBe(true);
  expect([stats.sentPackets, stats.sendErrors, batch.waiting, batch.segmentation]).toEqual([0, 3, 0, true]);
});

test("what a full buffer does not take waits, also in the middle of a group", () => {
  const { write, flush, stats, batch } = sender(-EINVAL, 1, -EAGAIN, 1);
  write(3);
  expect(flush()).toBe(false);
  expect([stats.sentPackets, batch.waiting]).toEqual([1, 1]);
  expect(flush()).toBe(true);
  expect([stats.sentPackets, stats.sendErrors, batch.waiting]).toEqual([3, 0, 0]);
});

describe("beside a socket whose buffer is full", () => {
  const FREE: KernelLocal = { ...LOCAL, fd: 4, index: 1 };
  const [toFull, toFree] = [TO, new KernelAddress("127.0.0.1", 2, FREE)];
  const fullIsFull = (fd: number, messages: number) => (fd === LOCAL.fd ? -EAGAIN : messages);

  function waitingBytes(batch: SegmentBatch): number[] {
    return Array.from({ length: batch.waiting }, (_, i) => batch.group(i)).flatMap(({ offset, bytes }) =>
      Array.from(batch.buffer.subarray(offset, offset + bytes)),
    );
  }

  test("another one sends, and what waits stays in order", () => {
    const taken: number[] = [];
    const { batch, flush, stats } = senderTo((fd, messages) => {
      if (fd === FREE.fd) taken.push(messages);
      return fullIsFull(fd, messages);
    });
    for (let n = 0; n < 6; n++) {
      batch.next()[0] = n;
      batch.commit(1, n % 2 === 0 ? toFull : toFree);
    }
    expect(flush()).toBe(false);
    expect([taken, stats.sentPackets, waitingBytes(batch)]).toEqual([[1, 1, 1], 3, [0, 2, 4]]);
    batch.next()[0] = 6;
    batch.commit(1, toFull);
    expect(flush()).toBe(false);
    expect(waitingBytes(batch)).toEqual([0, 2, 4, 6]);
  });

  test("another one finds room however long that lasts, and every packet is accounted for", () => {
    const { batch, flush, stats } = senderTo(fullIsFull);
    let committed = 0;
    let free = 0;
    for (let turn = 0; turn < 50; turn++) {
      for (let n = 0; n < 100 && !batch.full; n++, committed++) {
        const to = n % 10 === 0 ? toFree : toFull;
        if (to === toFree) free++;
        batch.next().fill(committed & 0xff);
        batch.commit(1350, to);
      }
      flush(turn);
      expect(batch.full).toBe(false);
    }
    const waiting = waitingBytes(batch).length / 1350;
    expect([committed, stats.sentPackets]).toEqual([5000, free]);
    expect(stats.sentPackets + stats.sendBufferDrops + waiting).toBe(committed);
    expect(waiting * 1350).toBeLessThanOrEqual(batch.buffer.length / 2);
  });

  test("packets are dropped once they have waited for long, younger ones go on waiting", () => {
    const { batch, flush, stats } = senderTo(fullIsFull);
    batch.commit(10, toFull);
    flush(1000);
    // Too long to join the first one's message.
    batch.commit(20, toFull);
    flush(1200);
    expect([flush(1000 + MAX_WAIT_MS), stats.sendBufferDrops, batch.waiting]).toEqual([false, 0, 2]);
    expect([flush(1001 + MAX_WAIT_MS), stats.sendBufferDrops, batch.waiting]).toEqual([false, 1, 1]);
    expect([flush(1201 + MAX_WAIT_MS), stats.sendBufferDrops, batch.waiting]).toEqual([true, 2, 0]);
  });

  test("a socket that has it to itself, and takes a little at a time, loses nothing of a full batch", () => {
    let calls = 0;
    const { batch, flush, stats } = senderTo(() => (++calls % 2 === 1 ? 1 : -EAGAIN));
    let committed = 0;
    for (; !batch.full; committed++) batch.commit(1350, toFull);
    for (let turn = 0; turn < 3; turn++) expect(flush(turn)).toBe(false);
    expect(stats.sentPackets).toBeGreaterThan(0);
    expect([stats.sendBufferDrops, waitingBytes(batch).length / 1350]).toEqual([0, committed - stats.sentPackets]);
  });

  test("a socket that has it to itself fills the batch, so that connections wait, and loses nothing when it is taken", () => {
    let isFull = true;
    const { batch, flush, stats } = senderTo((_, messages) => (isFull ? -EAGAIN : messages));
    let committed = 0;
    for (let turn = 0; turn < 20; turn++) {
      for (let n = 0; n < 100 && !batch.full; n++, committed++) batch.commit(1350, toFull);
      flush(turn);
    }
    expect([batch.full, stats.sendBufferDrops]).toEqual([true, 0]);
    isFull = false;
    expect([flush(20), stats.sentPackets]).toEqual([true, committed]);
  });
});
