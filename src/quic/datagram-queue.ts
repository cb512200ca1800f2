// Datagrams that wait for a congested connection, with the time since when. quiche's own queue knows no age: what
// waits there is delivered however late, so only little is put there at a time.
import type { Millis } from "../core/machine.ts";

/** First in, first out; bounded in number by `capacity` and in time by what its user takes off the head. */
export class DatagramQueue {
  readonly #capacity: number;
  readonly #slots: { bytes: Uint8Array; length: number; at: Millis }[] = [];
  #head = 0;
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#count;
  }

  get room(): number {
    return this.#capacity - this.#count;
  }

  /** Copies the bytes; false when it is full. */
  push(bytes: Uint8Array, now: Millis): boolean {
    if (this.#count >= this.#capacity) return false;
    const index = (this.#head + this.#count) % this.#capacity;
    const slot = this.#slots[index];
    if (slot === undefined || slot.bytes.length < bytes.length) {
      this.#slots[index] = { bytes: bytes.slice(), length: bytes.length, at: now };
    } else {
      slot.bytes.set(bytes);
      slot.length = bytes.length;
      slot.at = now;
    }
    this.#count++;
    return true;
  }

  /** The oldest; valid until the next push. */
  peek(): Uint8Array | undefined {
    if (this.#count === 0) return undefined;
    const { bytes, length } = this.#slots[this.#head]!;
    return bytes.subarray(0, length);
  }

  /** Since when the oldest waits. */
  since(): Millis | undefined {
    return this.#count === 0 ? undefined : this.#slots[this.#head]!.at;
  }

  /** Drops the oldest. Slots are used again; an empty queue gives its memory back. */
  shift(): void {
    if (this.#count === 0) return;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#count--;
    if (this.#count > 0) return;
    this.#slots.length = 0;
    this.#head = 0;
  }
}
