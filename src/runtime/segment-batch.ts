// The send buffer of the batched Linux socket: packets back to back; equal-sized neighbours for one destination become
// one message that the kernel cuts up (UDP_SEGMENT).
import type { PacketBatch } from "../quic/packet-batch.ts";
import { MAX_UDP_PAYLOAD } from "../quic/settings.ts";
import type { SocketAddress } from "../wire/address.ts";
import { KernelAddress } from "./kernel-address.ts";

/** Packets of `segmentBytes` each, only the last may be shorter, at `offset` in the buffer. */
export interface SegmentGroup {
  to: KernelAddress;
  offset: number;
  bytes: number;
  segmentBytes: number;
  packets: number;
}

export class SegmentBatch implements PacketBatch {
  readonly buffer = new Uint8Array(BATCH_BYTES);
  readonly #groups: SegmentGroup[] = [];
  /** Groups before it are sent. */
  #head = 0;
  #tail = 0;
  #offset = 0;
  /** Off where the kernel or the device does not segment. */
  segmentation = true;

  get full(): boolean {
    return this.#offset + MAX_UDP_PAYLOAD > BATCH_BYTES || this.#tail >= MAX_GROUPS;
  }

  /** Groups that wait. */
  get waiting(): number {
    return this.#tail - this.#head;
  }

  /** The group that is `index` places behind the oldest one that waits. */
  group(index: number): SegmentGroup {
    return this.#groups[this.#head + index]!;
  }

  next(): Uint8Array {
    return this.buffer.subarray(this.#offset, this.#offset + MAX_UDP_PAYLOAD);
  }

  commit(length: number, to: SocketAddress): void {
    if (!(to instanceof KernelAddress)) throw new Error("an address of another socket");
    const last = this.#tail > this.#head ? this.#groups[this.#tail - 1] : undefined;
    if (last !== undefined && this.#fits(last, length, to)) {
      last.bytes += length;
      last.packets++;
    } else this.#open(length, to);
    this.#offset += length;
  }

  /** Forgets the oldest `count` groups. The buffer is used again once none is left. */
  sent(count: number): void {
    this.#head += count;
    if (this.#head < this.#tail) return;
    this.#head = 0;
    this.#tail = 0;
    this.#offset = 0;
  }

  /** A group that is not full-sized at its end is closed: the kernel takes only the last packet for shorter. */
  #fits(group: SegmentGroup, length: number, to: KernelAddress): boolean {
    return (
      this.segmentation &&
      group.to === to &&
      length <= group.segmentBytes &&
      group.bytes === group.packets * group.segmentBytes &&
      group.packets < MAX_SEGMENTS &&
      group.bytes + length <= MAX_MESSAGE_BYTES
    );
  }

  /** Group objects are used again and again. */
  #open(length: number, to: KernelAddress): void {
    const known = this.#groups[this.#tail];
    if (known === undefined) {
      this.#groups.push({ to, offset: this.#offset, bytes: length, segmentBytes: length, packets: 1 });
    } else {
      known.to = to;
      known.offset = this.#offset;
      known.bytes = length;
      known.segmentBytes = length;
      known.packets = 1;
    }
    this.#tail++;
  }
}

const BATCH_BYTES = 1024 * 1024;
export const MAX_GROUPS = 512;
/** What every kernel with UDP_SEGMENT takes. */
const MAX_SEGMENTS = 64;
const MAX_MESSAGE_BYTES = 65_000;
