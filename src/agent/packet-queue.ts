// Inner packets that wait until the relay connection takes them: first in, first out, in memory that is used again. Short,
// because what waits here is late.

export class PacketQueue {
  private readonly slots: Uint8Array[] = [];
  private readonly lengths: number[] = [];
  private readonly services: string[] = [];
  private head = 0;
  private count = 0;
  /** Where the packet goes that take() gave last. */
  service = "";

  get length(): number {
    return this.count;
  }

  /** Room for a packet that will be added by commit(); undefined when the queue is full. */
  next(): Uint8Array | undefined {
    if (this.count === MAX_PACKETS) return undefined;
    const index = (this.head + this.count) % MAX_PACKETS;
    const slot = this.slots[index] ?? new Uint8Array(MAX_PACKET);
    this.slots[index] = slot;
    return slot;
  }

  commit(length: number, service: string): void {
    const index = (this.head + this.count) % MAX_PACKETS;
    this.lengths[index] = length;
    this.services[index] = service;
    this.count += 1;
  }

  /** Copies the oldest packet to `offset` of `out` and returns its length; 0 when there is none. */
  take(out: Uint8Array, offset: number): number {
    if (this.count === 0) return 0;
    const length = this.lengths[this.head] as number;
    out.set((this.slots[this.head] as Uint8Array).subarray(0, length), offset);
    this.service = this.services[this.head] as string;
    this.head = (this.head + 1) % MAX_PACKETS;
    this.count -= 1;
    return length;
  }
}

/** No datagram of a relay connection is longer. */
export const MAX_PACKET = 1500;
const MAX_PACKETS = 128;
