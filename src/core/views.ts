// Views of buffers, made once and used again: making one costs more than most of what is done with it.

/** Views of one buffer at any offset; a few dozen are kept. */
export class Views {
  readonly #bytes: Uint8Array;
  readonly #kept: (Uint8Array | undefined)[] = Array<undefined>(SLOTS).fill(undefined);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  at(offset: number, length: number): Uint8Array {
    const slot = (offset + length) & (SLOTS - 1);
    const kept = this.#kept[slot];
    if (kept !== undefined && kept.length === length && kept.byteOffset === this.#bytes.byteOffset + offset)
      return kept;
    const made = this.#bytes.subarray(offset, offset + length);
    this.#kept[slot] = made;
    return made;
  }
}

/** What follows the first bytes of views, which are often the same few objects. */
export class Tails {
  readonly #kept: ({ readonly whole: Uint8Array; readonly start: number; readonly tail: Uint8Array } | undefined)[] =
    Array<undefined>(SLOTS).fill(undefined);

  /** `whole` from `start` to its end. */
  of(whole: Uint8Array, start: number): Uint8Array {
    const slot = whole.length & (SLOTS - 1);
    const kept = this.#kept[slot];
    if (kept !== undefined && kept.whole === whole && kept.start === start) return kept.tail;
    const tail = whole.subarray(start);
    this.#kept[slot] = { whole, start, tail };
    return tail;
  }
}

/** A power of two. */
const SLOTS = 64;
