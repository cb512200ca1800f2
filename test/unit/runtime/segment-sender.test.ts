// What the sender of batches does when the kernel refuses a group: a scripted kernel says what becomes of each call.
import { ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { KernelAddress, type KernelLocal } from "../../../src/runtime/kernel-address.ts";
import type { Libc } from "../../../src/runtime/libc.ts";
import { SegmentBatch } from "../../../src/runtime/segment-batch.ts";
import { SegmentSender } from "../../../src/runtime/segment-sender.ts";
import { AF_INET } from "../../../src/runtime/socket-address.ts";

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
  const errno = new Int32Array(1);
  const sendmmsg = () => {
    const call = calls.shift();
    if (call === undefined) throw new Error("called too often");
    if (call > 0) return call;
    errno[0] = -call;
    return -1;
  };
  const libc = { sendmmsg, __errno_location: () => ptr(errno) } as unknown as Libc;
  const stats = {
    receivedPackets: 0,
    receivedBytes: 0,
    sentPackets: 0,
    sentBytes: 0,
    sendErrors: 0,
    kernelDrops: 0,
    receiveBufferBytes: 0,
    sendBufferBytes: 0,
  };
  const batch = new SegmentBatch();
  const steps: number[] = [];
  const made = new SegmentSender(libc, batch, stats, (reason) => steps.push(reason));
  const write = (count: number) => {
    for (let n = 0; n < count; n++) batch.commit(100, TO);
  };
  return { write, flush: () => made.flush(), stats, batch, steps, calls };
}

test("a kernel that takes single packets where it refuses a group is not asked to segment again, and that is said once", () => {
  const { write, flush, stats, batch, steps, calls } = sender(-EINVAL, 1, 1, 1, 2);
  write(3);
  expect(flush()).toBe(-1);
  write(2);
  expect(flush()).toBe(-1);
  expect([stats.sentPackets, stats.sendErrors, batch.segmentation]).toEqual([5, 0, false]);
  expect([steps, calls]).toEqual([[EINVAL], []]);
});

test("a destination that takes no packet at all says nothing about segmentation", () => {
  const { write, flush, stats, batch, steps } = sender(-EINVAL, -EINVAL, -EINVAL, 1);
  write(2);
  expect(flush()).toBe(-1);
  write(2);
  expect(flush()).toBe(-1);
  expect([stats.sentPackets, stats.sendErrors, batch.segmentation]).toEqual([2, 2, true]);
  expect(steps).toEqual([]);
});

test("a path that is too narrow for a group costs that group its batching, not the others", () => {
  const { write, flush, batch, stats, steps } = sender(-EMSGSIZE, 1, 1);
  write(2);
  expect(flush()).toBe(-1);
  expect([stats.sentPackets, batch.segmentation, steps]).toEqual([2, true, []]);
});

test("a firewall's refusal costs the group and nothing else", () => {
  const { write, flush, stats, batch } = sender(-EPERM);
  write(3);
  expect(flush()).toBe(-1);
  expect([stats.sentPackets, stats.sendErrors, batch.waiting, batch.segmentation]).toEqual([0, 3, 0, true]);
});

test("what a full buffer does not take waits, also in the middle of a group", () => {
  const { write, flush, stats, batch } = sender(-EINVAL, 1, -EAGAIN, 1);
  write(3);
  expect(flush()).toBe(LOCAL.fd);
  expect([stats.sentPackets, batch.waiting]).toEqual([1, 1]);
  expect(flush()).toBe(-1);
  expect([stats.sentPackets, stats.sendErrors, batch.waiting]).toEqual([3, 0, 0]);
});
