// The send buffer of the portable socket: packets back to back, each with where it goes.
import type { Millis } from "../core/machine.ts";
import { MAX_WAIT_MS } from "../quic/connection.ts";
import type { PacketBatch } from "../quic/packet-batch.ts";
import { MAX_UDP_PAYLOAD } from "../quic/settings.ts";
import type { SocketAddress } from "../wire/address.ts";

interface WaitingPacket {
  bytes: Uint8Array;
  readonly to: SocketAddress;
  /** When a socket first had no room for it; undefined until then. */
  refusedAt: Millis | undefined;
}

export class SendBatch implements PacketBatch {
  readonly #buffer: Uint8Array;
  readonly #capacity: number;
  /** What waits, oldest first. */
  readonly packets: WaitingPacket[] = [];
  #offset = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#buffer = new Uint8Array(capacity * MAX_UDP_PAYLOAD);
  }

  get full(): boolean {
    return this.packets.length >= this.#capacity || this.#offset + MAX_UDP_PAYLOAD > this.#buffer.length;
  }

  next(): Uint8Array {
    return this.#buffer.subarray(this.#offset, this.#offset + MAX_UDP_PAYLOAD);
  }

  commit(length: number, to: SocketAddress): void {
    const bytes = this.#buffer.subarray(this.#offset, this.#offset + length);
    this.packets.push({ bytes, to, refusedAt: undefined });
    this.#offset += length;
  }

  /** Forgets `count` packets, `index` places behind the oldest. The buffer is used again once none is left. */
  remove(index: number, count: number): void {
    this.packets.splice(index, count);
    if (this.packets.length === 0) this.#offset = 0;
  }

  /**
   * Forgets what has waited too long for a full socket, and leaves half of the batch to sockets that are not; returns
   * how many packets that cost.
   */
  limitWaiting(now: Millis, othersFlow: boolean): number {
    const before = this.packets.length;
    for (const packet of this.packets) packet.refusedAt ??= now;
    // Oldest first, so that whatever is too old stands in front.
    const young = this.packets.findIndex(({ refusedAt = now }) => now - refusedAt <= MAX_WAIT_MS);
    this.remove(0, young < 0 ? before : young);
    const half = Math.floor(this.#capacity / 2);
    if (othersFlow && this.packets.length > half) this.remove(0, this.packets.length - half);
    if (this.#offset > this.#buffer.length / 2) this.#compact();
    return before - this.packets.length;
  }

  #compact(): void {
    this.#offset = 0;
    for (const packet of this.packets) {
      const { length } = packet.bytes;
      this.#buffer.copyWithin(this.#offset, packet.bytes.byteOffset, packet.bytes.byteOffset + length);
      packet.bytes = this.#buffer.subarray(this.#offset, this.#offset + length);
      this.#offset += length;
    }
  }
}
