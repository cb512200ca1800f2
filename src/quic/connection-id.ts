// Our connection ids, and the ids in a packet's header, read without a native call.
//
//   0       1            12           20
//   +-------+------------+------------+      byte 0 is 0x40 or above, so that a short header that begins 0x5a
//   | ≥0x40 | 11 random  | tag        |      can never be taken for a peer-to-peer control packet;
//   +-------+------------+------------+      tag = HMAC-SHA-256(key, bytes 0–11), first 8 bytes
//
// The tag tells an id that this relay issued, perhaps before a restart, from one that a stranger made up.
import { createHmac, timingSafeEqual } from "node:crypto";

export const CONNECTION_ID_BYTES = 20;
const RANDOM_BYTES = 12;
const TAG_BYTES = CONNECTION_ID_BYTES - RANDOM_BYTES;
export const RESET_TOKEN_BYTES = 16;

export class ConnectionIds {
  readonly #tagKey: Uint8Array;
  readonly #resetKey: Uint8Array;
  readonly #random: (bytes: Uint8Array) => void;

  /** `secret` is any long-lived secret (the TLS private key); two keys are derived from it. */
  constructor(secret: Uint8Array, random: (bytes: Uint8Array) => void) {
    this.#tagKey = hmac(secret, "ztna connection id tag");
    this.#resetKey = hmac(secret, "ztna stateless reset");
    this.#random = random;
  }

  mint(): Uint8Array {
    const id = new Uint8Array(CONNECTION_ID_BYTES);
    this.#random(id.subarray(0, RANDOM_BYTES));
    id[0] = 0x40 + (id[0]! % 0xc0);
    id.set(this.#tag(id.subarray(0, RANDOM_BYTES)), RANDOM_BYTES);
    return id;
  }

  /** True when the 20 bytes at `offset` are an id that a holder of the key issued. */
  verify(packet: Uint8Array, offset: number): boolean {
    if (packet.length < offset + CONNECTION_ID_BYTES) return false;
    const expected = this.#tag(packet.subarray(offset, offset + RANDOM_BYTES));
    return timingSafeEqual(expected, packet.subarray(offset + RANDOM_BYTES, offset + CONNECTION_ID_BYTES));
  }

  /** The stateless reset token of one of our ids (RFC 9000, 10.3.2). */
  resetToken(id: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#resetKey).update(id).digest().subarray(0, RESET_TOKEN_BYTES));
  }

  #tag(random: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#tagKey).update(random).digest().subarray(0, TAG_BYTES);
  }
}

/** A reset token as the number that quiche takes. */
export function tokenToBigint(token: Uint8Array): bigint {
  let value = 0n;
  for (const byte of token) value = (value << 8n) | BigInt(byte);
  return value;
}

/**
 * 53 of the random bits of one of our ids, as a map key that costs no string. We chose the bits, so a stranger
 * cannot make keys collide; whoever finds a key still compares the whole id.
 */
export function idKey(packet: Uint8Array, offset: number): number {
  const high = ((packet[offset + 1]! << 16) | (packet[offset + 2]! << 8) | packet[offset + 3]!) & 0x1fffff;
  const low =
    ((packet[offset + 4]! << 24) | (packet[offset + 5]! << 16) | (packet[offset + 6]! << 8) | packet[offset + 7]!) >>>
    0;
  return high * 0x1_0000_0000 + low;
}

export function sameId(packet: Uint8Array, offset: number, id: Uint8Array): boolean {
  if (packet.length < offset + id.length) return false;
  for (let i = 0; i < id.length; i++) if (packet[offset + i] !== id[i]) return false;
  return true;
}

export const QUIC_V1 = 1;
/** Long packet types of version 1 (RFC 9000, 17.2). */
export const TYPE_INITIAL = 0;

/** A long header (RFC 9000, 17.2), up to the token of an Initial. Views into the packet. */
export interface LongHeader {
  readonly version: number;
  readonly packetType: number;
  readonly dcid: Uint8Array;
  readonly scid: Uint8Array;
  /** Empty for packets that are not Initials. */
  readonly token: Uint8Array;
}

export function isLongHeader(packet: Uint8Array): boolean {
  return (packet[0]! & 0x80) !== 0;
}

/** Undefined when the header is cut. Ids up to 255 bytes are accepted, as version negotiation demands. */
export function parseLongHeader(packet: Uint8Array): LongHeader | undefined {
  if (packet.length < 7) return undefined;
  const version = ((packet[1]! << 24) | (packet[2]! << 16) | (packet[3]! << 8) | packet[4]!) >>> 0;
  const dcidEnd = 6 + packet[5]!;
  if (packet.length < dcidEnd + 1) return undefined;
  const scidEnd = dcidEnd + 1 + packet[dcidEnd]!;
  if (packet.length < scidEnd) return undefined;
  const packetType = (packet[0]! >> 4) & 3;
  const token = packetType === TYPE_INITIAL ? parseToken(packet, scidEnd) : EMPTY;
  if (token === undefined) return undefined;
  return { version, packetType, dcid: packet.subarray(6, dcidEnd), scid: packet.subarray(dcidEnd + 1, scidEnd), token };
}

/** A token with its variable-length size in front (RFC 9000, 16). */
function parseToken(packet: Uint8Array, offset: number): Uint8Array | undefined {
  const first = packet[offset];
  if (first === undefined) return undefined;
  const sizeBytes = 1 << (first >> 6);
  if (packet.length < offset + sizeBytes) return undefined;
  let size = first & 0x3f;
  for (let i = 1; i < sizeBytes; i++) size = size * 256 + packet[offset + i]!;
  const start = offset + sizeBytes;
  return size > packet.length - start ? undefined : packet.subarray(start, start + size);
}

const EMPTY = new Uint8Array(0);

function hmac(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", secret).update(purpose).digest());
}
