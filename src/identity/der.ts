// A strict reader of DER (X.690): one encoding per value. ASN.1 libraries also take BER, where a second reading of the
// same bytes is possible; a certificate must mean the same here as in the TLS library that checked its signature.

/** The bytes are not DER, or not the values that were asked for. */
export class DerError extends Error {}

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Walks over the values in a part of a buffer. Views, no copies. Every method throws DerError on what it does not expect. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#offset === this.#end;
  }

  /** The tag of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#offset];
  }

  next(): DerValue {
    const tag = this.#byte();
    return { tag, content: this.#content() };
  }

  /** The content of the next value, which must have this tag. */
  take(tag: number): Uint8Array {
    this.#expect(tag);
    return this.#content();
  }

  optional(tag: number): Uint8Array | undefined {
    return this.tag === tag ? this.take(tag) : undefined;
  }

  /** The values inside the next value. */
  enter(tag: number = TAG.sequence): DerReader {
    this.#expect(tag);
    const length = this.#length();
    const start = this.#offset;
    this.#offset += length;
    return new DerReader(this.#bytes, start, this.#offset);
  }

  /** The bytes of the next value, tag and length included, without going past it. */
  peekEncoded(): Uint8Array {
    const start = this.#offset;
    this.next();
    const encoded = this.#bytes.subarray(start, this.#offset);
    this.#offset = start;
    return encoded;
  }

  /** All that is left, each read by `read`. */
  each<T>(read: (reader: DerReader) => T): T[] {
    const values: T[] = [];
    while (!this.done) values.push(read(this));
    return values;
  }

  /** Nothing may be left. */
  end(): void {
    if (!this.done) throw new DerError("bytes after the last value");
  }

  #expect(tag: number): void {
    if (this.tag !== tag) throw new DerError(`tag ${this.tag} where ${tag} belongs`);
    this.#offset++;
  }

  #content(): Uint8Array {
    const length = this.#length();
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(start, this.#offset);
  }

  #length(): number {
    const first = this.#byte();
    const length = first < 0x80 ? first : this.#longLength(first & 0x7f);
    if (length > this.#end - this.#offset) throw new DerError("a value is longer than what holds it");
    return length;
  }

  #longLength(count: number): number {
    if (count === 0 || count > MAX_LENGTH_BYTES) throw new DerError("a length that DER does not allow");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("a length that is not the shortest");
    return length;
  }

  #byte(): number {
    if (this.done) throw new DerError("the bytes end inside a value");
    return this.#bytes[this.#offset++] ?? 0;
  }
}

export function readBoolean(content: Uint8Array): boolean {
  const byte = content[0];
  if (content.length !== 1 || (byte !== 0x00 && byte !== 0xff)) throw new DerError("not a boolean");
  return byte === 0xff;
}

/** The shortest two's complement, as it stands. */
export function readInteger(content: Uint8Array): Uint8Array {
  const first = content[0];
  const second = content[1] ?? 0;
  const isPadded = (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (first === undefined || (content.length > 1 && isPadded)) throw new DerError("not an integer");
  return content;
}

/** The bytes of a bit string and how many bits of them count. */
export function readBits(content: Uint8Array): { readonly bytes: Uint8Array; readonly length: number } {
  const unused = content[0];
  const bytes = content.subarray(1);
  const last = bytes[bytes.length - 1] ?? 0;
  if (unused === undefined || unused > 7 || (unused > 0 && bytes.length === 0) || (last & ((1 << unused) - 1)) !== 0) {
    throw new DerError("not a bit string");
  }
  return { bytes, length: bytes.length * 8 - unused };
}

/** Dotted decimal. Arcs beyond 2^53 do not occur. */
export function readOid(content: Uint8Array): string {
  if (content.length === 0) throw new DerError("an empty object id");
  let text = "";
  let arc = 0;
  for (let i = 0; i < content.length; i++) {
    const byte = content[i] ?? 0;
    if ((arc === 0 && byte === 0x80) || arc > Number.MAX_SAFE_INTEGER / 256) throw new DerError("not an object id");
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    text += text === "" ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  if ((content[content.length - 1] ?? 0) >= 0x80) throw new DerError("an object id that ends inside an arc");
  return text;
}

/** The first number of an object id stands for two arcs. */
function firstArcs(joined: number): string {
  const first = Math.min(Math.floor(joined / 40), 2);
  return `${first}.${joined - first * 40}`;
}

/** Milliseconds since 1970, from UTCTime or GeneralizedTime in the one form that certificates may use. */
export function readTime({ tag, content }: DerValue): number {
  const text = String.fromCharCode(...content.subarray(0, 16));
  const match = tag === TAG.utcTime ? UTC_TIME.exec(text) : tag === TAG.generalizedTime ? FULL_TIME.exec(text) : null;
  if (match === null || content.length > 15) throw new DerError("not a time");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = tag === TAG.utcTime ? year + (year < 50 ? 2000 : 1900) : year;
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(fullYear, month);
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw new DerError("no such time");
  return (((daysBefore(fullYear, month) + day - 1) * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
}

/** Days from 1970-01-01 to the first of the month, in the Gregorian calendar. */
function daysBefore(year: number, month: number): number {
  const leapDays = (y: number) => Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  let days = (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969);
  for (let earlier = 1; earlier < month; earlier++) days += daysIn(year, earlier);
  return days;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
const MAX_LENGTH_BYTES = 4;
const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const FULL_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
