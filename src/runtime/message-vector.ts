// An array of `struct mmsghdr` with its names, buffers and control data, as recvmmsg and sendmmsg take it on 64-bit
// Linux (x64, and the same on arm64):
//
//   mmsghdr  name* 8 | namelen 4 | pad 4 | iov* 8 | iovlen 8 | control* 8 | controllen 8 | flags 4 | pad 4 | len 4 | pad 4
//   iovec    base* 8 | len 8
//   cmsghdr  len 8 | level 4 | type 4 | data, padded to 8
import { addressOf } from "./libc.ts";

export class MessageVector {
  readonly count: number;
  readonly headers: Uint8Array;
  /** Socket addresses, NAME_STRIDE apart. */
  readonly names: Uint8Array;
  /** Control data, CONTROL_STRIDE apart. */
  readonly control: Uint8Array;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #iovecWords: Uint32Array;
  readonly #controlWords: Int32Array;

  constructor(count: number) {
    this.count = count;
    this.headers = fixed(count * HEADER_BYTES);
    this.names = fixed(count * NAME_STRIDE);
    this.control = fixed(count * CONTROL_STRIDE);
    this.#words = new Uint32Array(this.headers.buffer);
    this.#longs = new BigUint64Array(this.headers.buffer);
    this.#iovecWords = new Uint32Array(fixed(count * 16).buffer);
    this.#controlWords = new Int32Array(this.control.buffer);
    const [names, control] = [addressOf(this.names), addressOf(this.control)];
    const iovecs = addressOf(new Uint8Array(this.#iovecWords.buffer));
    for (let i = 0; i < count; i++) {
      this.#longs[i * 8] = BigInt(names + i * NAME_STRIDE);
      this.#longs[i * 8 + 2] = BigInt(iovecs + i * 16);
      this.#longs[i * 8 + 3] = 1n;
      this.#longs[i * 8 + 4] = BigInt(control + i * CONTROL_STRIDE);
    }
  }

  /** Where message `i` has its bytes. */
  setBuffer(i: number, address: number, length: number): void {
    // Two words each, because a BigInt for every packet would be an allocation.
    this.#iovecWords[i * 4] = address >>> 0;
    this.#iovecWords[i * 4 + 1] = Math.floor(address / 0x1_0000_0000);
    this.#iovecWords[i * 4 + 2] = length;
  }

  setNameLength(i: number, length: number): void {
    this.#words[i * 16 + 2] = length;
  }

  setControlLength(i: number, length: number): void {
    this.#words[i * 16 + 10] = length;
  }

  controlLength(i: number): number {
    return this.#words[i * 16 + 10]!;
  }

  flags(i: number): number {
    return this.#words[i * 16 + 12]!;
  }

  /** Bytes received or sent. */
  length(i: number): number {
    return this.#words[i * 16 + 14]!;
  }

  /** A 32-bit word of the control data. */
  controlWord(i: number, offset: number): number {
    return this.#controlWords[(i * CONTROL_STRIDE + offset) >> 2]!;
  }

  setControlWord(i: number, offset: number, value: number): void {
    this.#controlWords[(i * CONTROL_STRIDE + offset) >> 2] = value;
  }
}

export const NAME_STRIDE = 32;
export const CONTROL_STRIDE = 128;
export const CONTROL_HEADER_BYTES = 16;
const HEADER_BYTES = 64;

/**
 * Memory that stays where it is. The engine keeps small arrays among its objects and moves them out with the first
 * view that is made of them: the kernel would go on writing to where they were.
 */
function fixed(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}

/** Control data of `bytes` bytes, header and padding included. */
export function controlSpace(bytes: number): number {
  return CONTROL_HEADER_BYTES + ((bytes + 7) & ~7);
}
