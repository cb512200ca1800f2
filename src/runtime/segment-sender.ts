// Hands a batch to the kernel in few system calls, and steps down where it refuses.
//
// The kernel's send buffer belongs to a socket, not to a destination: once it is full, it takes nothing for anybody. So
// a full socket is asked again soon, and what it does not take in time is dropped, which is what makes the connections
// that fill it slow down.
import { type Pointer, ptr } from "bun:ffi";
import type { Millis } from "../core/machine.ts";
import { MAX_WAIT_MS } from "../quic/connection.ts";
import { addressOf, errnoOf, type Libc } from "./libc.ts";
import { CONTROL_HEADER_BYTES, CONTROL_STRIDE, controlSpace, MessageVector, NAME_STRIDE } from "./message-vector.ts";
import { IP_PKTINFO, IPV6_PKTINFO, SOL_IP, SOL_IPV6, SOL_UDP, UDP_SEGMENT } from "./receive-ring.ts";
import { BATCH_BYTES, MAX_GROUPS, type SegmentBatch, type SegmentGroup } from "./segment-batch.ts";
import type { UdpSocketStats } from "./udp-socket.ts";

export class SegmentSender {
  readonly #libc: Libc;
  readonly #batch: SegmentBatch;
  readonly #stats: UdpSocketStats;
  readonly #vector = new MessageVector(MAX_GROUPS);
  readonly #base: number;
  readonly #headers: Pointer;
  /** Descriptors of the sockets that had no room at the last flush. */
  readonly #full = new Set<number>();
  /** Of those that took something and had room to the end. */
  readonly #flowing = new Set<number>();
  /** Told once when segmentation is given up. */
  readonly #steppedDown: (errno: number) => void;

  constructor(libc: Libc, batch: SegmentBatch, stats: UdpSocketStats, steppedDown: (errno: number) => void) {
    this.#libc = libc;
    this.#batch = batch;
    this.#stats = stats;
    this.#base = addressOf(batch.buffer);
    this.#headers = ptr(this.#vector.headers);
    this.#steppedDown = steppedDown;
  }

  /**
   * Sends what waits. What a full socket does not take stays, bounded in number and time, and holds up no other socket;
   * a call later tries again. True when nothing is left.
   */
  flush(now: Millis): boolean {
    const batch = this.#batch;
    this.#full.clear();
    this.#flowing.clear();
    // Groups before it are for sockets that are full.
    let kept = 0;
    while (kept < batch.waiting) {
      const { fd } = batch.group(kept).to.local;
      if (this.#full.has(fd)) kept++;
      else {
        const run = this.#prepare(kept, fd);
        const sent = this.#libc.sendmmsg(fd, this.#headers, run, MSG_DONTWAIT);
        if (sent > 0) {
          this.#count(kept, sent);
          batch.remove(kept, sent);
          this.#flowing.add(fd);
        } else if (!this.#afterError(kept, errnoOf(this.#libc))) {
          this.#full.add(fd);
          this.#flowing.delete(fd);
        }
      }
    }
    if (kept > 0) this.#limitWaiting(now, this.#flowing.size > 0);
    return batch.waiting === 0;
  }

  /** The socket had no room at the last flush. */
  isFull(fd: number): boolean {
    return this.#full.has(fd);
  }

  /** Drops what has waited too long, and leaves half of the batch to sockets that are not full. */
  #limitWaiting(now: Millis, othersFlow: boolean): void {
    const batch = this.#batch;
    let bytes = 0;
    for (let i = 0; i < batch.waiting; ) {
      const group = batch.group(i);
      group.refusedAt ??= now;
      if (now - group.refusedAt > MAX_WAIT_MS) this.#dropFull(i);
      else {
        bytes += group.bytes;
        i++;
      }
    }
    while (othersFlow && (batch.waiting > MAX_GROUPS / 2 || bytes > BATCH_BYTES / 2)) {
      bytes -= batch.group(0).bytes;
      this.#dropFull(0);
    }
    if (batch.crowded) batch.compact();
  }

  #dropFull(index: number): void {
    this.#stats.sendBufferDrops += this.#batch.group(index).packets;
    this.#batch.remove(index, 1);
  }

  /** Describes the waiting groups of one socket from `first` on, as far as they stand together; returns their number. */
  #prepare(first: number, fd: number): number {
    let run = 0;
    for (; first + run < this.#batch.waiting; run++) {
      const group = this.#batch.group(first + run);
      if (group.to.local.fd !== fd) break;
      this.#describe(run, group);
    }
    return run;
  }

  #describe(i: number, group: SegmentGroup): void {
    const vector = this.#vector;
    const { to } = group;
    vector.setBuffer(i, this.#base + group.offset, group.bytes);
    vector.names.set(to.name, i * NAME_STRIDE);
    vector.setNameLength(i, to.nameBytes);
    let at = 0;
    if (group.packets > 1) {
      this.#control(i, at, 2, SOL_UDP, UDP_SEGMENT);
      vector.setControlWord(i, at + CONTROL_HEADER_BYTES, group.segmentBytes);
      at += controlSpace(2);
    }
    const { source } = to.local;
    if (source.length > 0) at += this.#nameSource(i, at, source);
    vector.setControlLength(i, at);
  }

  /** in_pktinfo: ifindex 4 | source 4 | unused 4; in6_pktinfo: source 16 | ifindex 4. */
  #nameSource(i: number, at: number, source: Uint8Array): number {
    const { control } = this.#vector;
    const data = i * CONTROL_STRIDE + at + CONTROL_HEADER_BYTES;
    const isIpv4 = source.length === 4;
    const bytes = isIpv4 ? 12 : 20;
    control.fill(0, data, data + bytes);
    control.set(source, isIpv4 ? data + 4 : data);
    this.#control(i, at, bytes, isIpv4 ? SOL_IP : SOL_IPV6, isIpv4 ? IP_PKTINFO : IPV6_PKTINFO);
    return controlSpace(bytes);
  }

  #control(i: number, at: number, bytes: number, level: number, type: number): void {
    this.#vector.setControlWord(i, at, CONTROL_HEADER_BYTES + bytes);
    this.#vector.setControlWord(i, at + 4, 0);
    this.#vector.setControlWord(i, at + 8, level);
    this.#vector.setControlWord(i, at + 12, type);
  }

  /** True when sending goes on: the group was given up, or sent packet by packet. */
  #afterError(index: number, errno: number): boolean {
    if (errno === EAGAIN) return false;
    if (errno === EINTR) return true;
    const group = this.#batch.group(index);
    if (group.packets > 1 && (errno === EIO || errno === EINVAL || errno === EMSGSIZE)) {
      if (!this.#sendSingly(group, errno)) return false;
    } else this.#stats.sendErrors += group.packets;
    this.#batch.remove(index, 1);
    return true;
  }

  /** One packet of a group after the other; false when the buffer is full, with the rest still waiting. */
  #sendSingly(group: SegmentGroup, refusedWith: number): boolean {
    const { fd } = group.to.local;
    while (group.packets > 0) {
      const bytes = Math.min(group.segmentBytes, group.bytes);
      this.#describe(0, { ...group, bytes, packets: 1 });
      if (this.#libc.sendmmsg(fd, this.#headers, 1, MSG_DONTWAIT) === 1) {
        this.#countPackets(1, bytes);
        this.#stepDown(refusedWith);
      } else if (errnoOf(this.#libc) === EAGAIN) return false;
      else this.#stats.sendErrors++;
      group.offset += bytes;
      group.bytes -= bytes;
      group.packets--;
    }
    return true;
  }

  /** Only because single packets get through: a destination that is refused altogether says nothing about segmentation. */
  #stepDown(errno: number): void {
    if (errno === EMSGSIZE || !this.#batch.segmentation) return;
    this.#batch.segmentation = false;
    this.#steppedDown(errno);
  }

  #count(first: number, groups: number): void {
    for (let i = first; i < first + groups; i++) {
      const { packets, bytes } = this.#batch.group(i);
      this.#countPackets(packets, bytes);
    }
  }

  #countPackets(packets: number, bytes: number): void {
    this.#stats.sentPackets += packets;
    this.#stats.sentBytes += bytes;
  }
}

const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;
const EINVAL = 22;
const EMSGSIZE = 90;
