// The send buffer of the batched Linux socket: packets back to back; equal-sized neighbours for one destination become
// one message that the kernel cuts up (UDP_SEGMENT).
import type { Millis } from "../core/machine.ts";
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
  /** When a socket first had no room for it; undefined until then. */
  refusedAt: Millis | undefined;
}

export class SegmentBatch implements PacketBatch {
  readonly buffer = new Uint8Array(BATCH_BYTES);
  readonly #groups: SegmentGroup[] = [];
  /** Groups before it are sent. */
  #head = 0;
  #tail = 0;
  #offset = 0;
  /** Committed since the buffer was last empty. */
  #packets = 0;
  /** Where packets began lately: the next ones are often as long. */
  readonly #views = Array<Uint8Array | undefined>(KEPT_VIEWS).fill(undefined);
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
    const slot = this.#packets & (KEPT_VIEWS - 1);
    const kept = this.#views[slot];
    if (kept !== undefined && kept.byteOffset === this.#offset) return kept;
    const made = this.buffer.subarray(this.#offset, this.#offset + MAX_UDP_PAYLOAD);
    this.#views[slot] = made;
    return made;
  }

  commit(length: number, to: SocketAddress): void {
    if (!(to instanceof KernelAddress)) throw new Error("an address of another socket");
    const last = this.#tail > this.#head ? this.#groups[this.#tail - 1] : undefined;
    if (last !== undefined && this.#fits(last, length, to)) {
      last.bytes += length;
      last.packets++;
    } else this.#open(length, to);
    this.#offset += length;
    this.#packets++;
  }

  /** Forgets `count` groups, `index` places behind the oldest. The buffer is used again once none is left. */
  remove(index: number, count: number): void {
    for (let i = this.#head + index - 1; i >= this.#head; i--) this.#swap(i, i + count);
    this.#head += count;
    if (this.#head < this.#tail) return;
    this.#head = 0;
    this.#tail = 0;
    this.#offset = 0;
    this.#packets = 0;
  }

  /** Less than half of it is left, counting what is sent already but lies before or between groups that wait. */
  get crowded(): boolean {
    return this.#offset > BATCH_BYTES / 2 || this.#tail > MAX_GROUPS / 2;
  }

  /** Makes room behind groups that wait for long: what was sent before and between them is overwritten. */
  compact(): void {
    for (let i = 0; this.#head > 0 && i < this.waiting; i++) this.#swap(i, this.#head + i);
    this.#tail -= this.#head;
    this.#head = 0;
    this.#offset = 0;
    for (let i = 0; i < this.#tail; i++) {
      const group = this.#groups[i]!;
      this.buffer.copyWithin(this.#offset, group.offset, group.offset + group.bytes);
      group.offset = this.#offset;
      this.#offset += group.bytes;
    }
  }

  #swap(i: number, k: number): void {
    const group = this.#groups[i]!;
    this.#groups[i] = this.#groups[k]!;
    this.#groups[k] = group;
  }

  /** A group that is not full-sized at its end is closed: the kernel takes only the last packet for shorter. */
  #fits(group: SegmentGroup, length: number, to: KernelAddress): boolean {
    return (
      this.segmentation &&
      group.to === to &&
      length <= group.segmentBytes &&
      group.bytes === group.packets * group.segmentBytes &&
      group.packets < MAX_SEGMENTS &&
      group.offset + group.bytes === this.#offset &&
      group.bytes + length <= MAX_MESSAGE_BYTES
    );
  }

  /** Group objects are used again and again. */
  #open(length: number, to: KernelAddress): void {
    const known = this.#groups[this.#tail];
    if (known === undefined) {
      this.#groups.push({
        to,
        offset: this.#offset,
        bytes: length,
        segmentBytes: length,
        packets: 1,
        refusedAt: undefined,
      });
    } else {
      known.to = to;
      known.offset = this.#offset;
      known.bytes = length;
      known.segmentBytes = length;
      known.packets = 1;
      known.refusedAt = undefined;
    }
    this.#tail++;
  }
}

export const BATCH_BYTES = 1024 * 1024;
export const MAX_GROUPS = 512;
/** A power of two. */
const KEPT_VIEWS = 256;
/** What every kernel with UDP_SEGMENT takes. */
const MAX_SEGMENTS = 64;
const MAX_MESSAGE_BYTES = 65_000;
