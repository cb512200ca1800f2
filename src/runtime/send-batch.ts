// The send buffer of the portable socket: packets back to back, each with where it goes.
import type { PacketBatch } from "../quic/packet-batch.ts";
import { MAX_UDP_PAYLOAD } from "../quic/settings.ts";
import type { SocketAddress } from "../wire/address.ts";

export class SendBatch implements PacketBatch {
  readonly #buffer: Uint8Array;
  readonly #capacity: number;
  /** What waits, oldest first. */
  packets: { readonly bytes: Uint8Array; readonly to: SocketAddress }[] = [];
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
    this.packets.push({ bytes: this.#buffer.subarray(this.#offset, this.#offset + length), to });
    this.#offset += length;
  }

  /** Forgets the first `count` packets. The buffer is used again once none is left. */
  sent(count: number): void {
    this.packets.splice(0, count);
    if (this.packets.length === 0) this.#offset = 0;
  }
}
