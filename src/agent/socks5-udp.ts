// The header in front of each datagram between a SOCKS5 client and its UDP association (RFC 1928, section 7).
//
//   00 00 | fragment | target | data
import type { Ipv4 } from "../wire/address.ts";
import { readU16 } from "../wire/bytes.ts";
import { readSocksTarget, type SocksTarget, socksAddressLength, writeSocksAddress } from "./socks5-address.ts";

export interface SocksDatagram {
  readonly target: SocksTarget;
  /** A view. */
  readonly payload: Uint8Array;
}

export type SocksDatagramDamage = "malformed" | "fragment";

/** Fragments are refused, as the RFC allows: nobody sends them. */
export function readSocksDatagram(bytes: Uint8Array): SocksDatagram | SocksDatagramDamage {
  if (bytes.length < TARGET_AT || readU16(bytes, 0) !== 0) return "malformed";
  if (bytes[2] !== 0) return "fragment";
  const read = readSocksTarget(bytes, TARGET_AT);
  return typeof read === "string" ? "malformed" : { target: read.target, payload: bytes.subarray(read.end) };
}

/** A whole datagram for the client, from that address. */
export function encodeSocksDatagram(source: Ipv4, port: number, payload: Uint8Array): Uint8Array {
  const headerLength = TARGET_AT + socksAddressLength(source);
  const out = new Uint8Array(headerLength + payload.length);
  writeSocksAddress(out, TARGET_AT, source, port);
  out.set(payload, headerLength);
  return out;
}

const TARGET_AT = 3;
