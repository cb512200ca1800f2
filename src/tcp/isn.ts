// Initial sequence numbers that a stranger cannot guess, and that grow for one flow from connection to connection, so
// that leftovers of an earlier one fall outside the window (RFC 6528). Timestamps begin likewise (RFC 7323 section 5.4).
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import { writeU16, writeU32 } from "../wire/bytes.ts";

export interface TcpFlow {
  /** Ours. */
  readonly source: Ipv4;
  readonly sourcePort: number;
  /** The peer's. */
  readonly destination: Ipv4;
  readonly destinationPort: number;
}

/** A keyed hash, for instance the first 32 bits of HMAC-SHA-256 with a secret of this process. */
export type KeyedHash = (bytes: Uint8Array) => number;

export interface InitialNumbers {
  readonly initialSequence: number;
  readonly timestampOffset: number;
}

export function initialNumbers(flow: TcpFlow, hash: KeyedHash, now: Millis): InitialNumbers {
  return {
    initialSequence: (Math.floor(now * TICKS_PER_MS) + hash(flowBytes(flow, FOR_SEQUENCE))) >>> 0,
    timestampOffset: hash(flowBytes(flow, FOR_TIMESTAMPS)) >>> 0,
  };
}

/** The purpose comes first, so that one number does not tell the other. */
function flowBytes(flow: TcpFlow, purpose: number): Uint8Array {
  const bytes = new Uint8Array(13);
  bytes[0] = purpose;
  writeU32(bytes, 1, flow.source);
  writeU16(bytes, 5, flow.sourcePort);
  writeU32(bytes, 7, flow.destination);
  writeU16(bytes, 11, flow.destinationPort);
  return bytes;
}

const FOR_SEQUENCE = 1;
const FOR_TIMESTAMPS = 2;
/** One tick every 4 microseconds. */
const TICKS_PER_MS = 250;
