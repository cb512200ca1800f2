// Big-endian fields: a bounds-checked Reader and Writer, bare accessors for the data path, and hexadecimal text.

/** Reads from the front. Past the end every read gives undefined, and so does every read after that one. */
export class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;
  private failed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.failed ? 0 : this.bytes.length - this.at;
  }

  u8(): number | undefined {
    const start = this.advance(1);
    return start < 0 ? undefined : this.bytes[start];
  }

  u16(): number | undefined {
    const start = this.advance(2);
    return start < 0 ? undefined : readU16(this.bytes, start);
  }

  u32(): number | undefined {
    const start = this.advance(4);
    return start < 0 ? undefined : readU32(this.bytes, start);
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Uint8Array | undefined {
    const start = this.advance(length);
    return start < 0 ? undefined : this.bytes.subarray(start, start + length);
  }

  /** A view of everything that is left. */
  rest(): Uint8Array | undefined {
    return this.take(this.remaining);
  }

  /** Where the next `length` bytes start, or -1. */
  private advance(length: number): number {
    if (this.failed || !(length >= 0 && length <= this.remaining)) {
      this.failed = true;
      return -1;
    }
    const start = this.at;
    this.at += length;
    return start;
  }
}

/** Fills a buffer from the front. Writing past its end or a value that does not fit is a bug and throws. */
export class Writer {
  private readonly buffer: Uint8Array;
  private at = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
  }

  get length(): number {
    return this.at;
  }

  u8(value: number): this {
    return this.unsigned(value, 1);
  }

  u16(value: number): this {
    return this.unsigned(value, 2);
  }

  u32(value: number): this {
    return this.unsigned(value, 4);
  }

  put(bytes: Uint8Array): this {
    const start = this.advance(bytes.length);
    this.buffer.set(bytes, start);
    return this;
  }

  /** A view of what was written. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  private unsigned(value: number, size: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= 256 ** size) {
      throw new RangeError(`${value} does not fit into ${size} bytes`);
    }
    const start = this.advance(size);
    for (let i = 0; i < size; i += 1) this.buffer[start + i] = Math.floor(value / 256 ** (size - 1 - i)) & 0xff;
    return this;
  }

  private advance(length: number): number {
    const start = this.at;
    if (start + length > this.buffer.length) {
      throw new RangeError(`${length} more bytes do not fit after ${start} of ${this.buffer.length}`);
    }
    this.at += length;
    return start;
  }
}

/** Unchecked: the caller knows that `at` is within the bytes. So for the three below. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((readU16(bytes, at) << 16) | readU16(bytes, at + 2)) >>> 0;
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value);
}

/** Lower case, without separators. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_OF_BYTE[byte];
  return text;
}

/** Accepts both cases; undefined for an odd number of digits or anything else that is not hexadecimal. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
