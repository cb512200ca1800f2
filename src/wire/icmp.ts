// ICMP inside an inner packet (RFC 792): echo, and the errors that tell a sender why a packet did not get through.
// `offset` is where the IPv4 packet starts; checkIpv4 accepted it, and the accessors rely on checkIcmp.
//
//   0  type | code | checksum      4  identifier | sequence (echo), unused | next-hop MTU (type 3 code 4)      8  data
import type { Ipv4 } from "./address.ts";
import { readU16, writeU16 } from "./bytes.ts";
import { finish, sum16 } from "./checksum.ts";
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIcmpError,
  PROTOCOL_ICMP,
  writeIpv4Header,
} from "./ipv4.ts";

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_ECHO_REQUEST = 8;

export type UnreachableCode = typeof UNREACHABLE_HOST | typeof UNREACHABLE_PORT | typeof UNREACHABLE_PROHIBITED;
export const UNREACHABLE_HOST = 1;
export const UNREACHABLE_PORT = 3;
export const UNREACHABLE_PROHIBITED = 13;

export type IcmpFault = "short" | "bad-checksum";

export function checkIcmp(bytes: Uint8Array, offset = 0): IcmpFault | undefined {
  const icmp = offset + ipv4HeaderLength(bytes, offset);
  const end = offset + ipv4TotalLength(bytes, offset);
  if (end - icmp < ICMP_HEADER_LENGTH) return "short";
  return finish(sum16(bytes, icmp, end)) === 0 ? undefined : "bad-checksum";
}

export function icmpType(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + ipv4HeaderLength(bytes, offset)] as number;
}

export function icmpCode(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + ipv4HeaderLength(bytes, offset) + 1] as number;
}

/** Of an echo request or reply. */
export function icmpIdentifier(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset) + 4);
}

/** Of an echo request or reply. */
export function icmpSequence(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset) + 6);
}

/** Of "fragmentation needed"; 0 from a hop that does not say it. */
export function icmpNextHopMtu(bytes: Uint8Array, offset = 0): number {
  return icmpSequence(bytes, offset);
}

export function icmpDataStart(bytes: Uint8Array, offset = 0): number {
  return offset + ipv4HeaderLength(bytes, offset) + ICMP_HEADER_LENGTH;
}

/** The answer to an echo request that checkIpv4 accepted; undefined for anything else and for damaged requests. */
export function encodeEchoReply(request: Uint8Array): Uint8Array | undefined {
  if (ipv4Protocol(request) !== PROTOCOL_ICMP || checkIcmp(request) !== undefined) return undefined;
  if (icmpType(request) !== ICMP_ECHO_REQUEST || icmpCode(request) !== 0) return undefined;
  return encodeEcho(ICMP_ECHO_REPLY, {
    source: ipv4Destination(request),
    destination: ipv4Source(request),
    identifier: icmpIdentifier(request),
    sequence: icmpSequence(request),
    payload: request.subarray(icmpDataStart(request), ipv4TotalLength(request)),
  });
}

export interface Echo {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A whole inner packet. */
export function encodeEchoRequest(echo: Echo): Uint8Array {
  return encodeEcho(ICMP_ECHO_REQUEST, echo);
}

export interface FragmentationNeeded {
  /** A packet that checkIpv4 accepted and that is too large for the next hop. */
  readonly packet: Uint8Array;
  /** The largest IPv4 packet that the next hop takes. */
  readonly nextHopMtu: number;
  readonly source: Ipv4;
}

/** Tells the sender of a packet to send smaller ones (RFC 1191). Undefined: this packet must not be answered. */
export function encodeFragmentationNeeded(error: FragmentationNeeded): Uint8Array | undefined {
  return encodeError(error.packet, error.source, FRAGMENTATION_NEEDED, error.nextHopMtu);
}

export interface Unreachable {
  /** A packet that checkIpv4 accepted. */
  readonly packet: Uint8Array;
  readonly code: UnreachableCode;
  readonly source: Ipv4;
}

/** Undefined: this packet must not be answered. */
export function encodeUnreachable(error: Unreachable): Uint8Array | undefined {
  return encodeError(error.packet, error.source, error.code, 0);
}

/** Quotes the header and the first 8 bytes behind it, as RFC 792 says; that is enough to find the flow. */
function encodeError(packet: Uint8Array, source: Ipv4, code: number, nextHopMtu: number): Uint8Array | undefined {
  if (!mayBeAnsweredByError(packet)) return undefined;
  const quoted = packet.subarray(0, Math.min(packet.length, ipv4HeaderLength(packet) + QUOTED_PAYLOAD));
  const out = withIpv4Header(source, ipv4Source(packet), quoted.length);
  out[IPV4_HEADER_LENGTH] = ICMP_UNREACHABLE;
  out[IPV4_HEADER_LENGTH + 1] = code;
  writeU16(out, IPV4_HEADER_LENGTH + 6, nextHopMtu);
  out.set(quoted, IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH);
  return finished(out);
}

/** RFC 1122 section 3.2.2: never about an ICMP error, nor to or about an address that is not one host's. */
function mayBeAnsweredByError(packet: Uint8Array): boolean {
  if (!isOneHost(ipv4Source(packet)) || !isOneHost(ipv4Destination(packet))) return false;
  if (ipv4Protocol(packet) !== PROTOCOL_ICMP) return true;
  return ipv4TotalLength(packet) > ipv4HeaderLength(packet) && !isIcmpError(icmpType(packet));
}

/** Not 0.0.0.0/8, loopback, multicast, reserved or broadcast. */
function isOneHost(address: Ipv4): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

function encodeEcho(type: number, echo: Echo): Uint8Array {
  const out = withIpv4Header(echo.source, echo.destination, echo.payload.length);
  out[IPV4_HEADER_LENGTH] = type;
  writeU16(out, IPV4_HEADER_LENGTH + 4, echo.identifier);
  writeU16(out, IPV4_HEADER_LENGTH + 6, echo.sequence);
  out.set(echo.payload, IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH);
  return finished(out);
}

function withIpv4Header(source: Ipv4, destination: Ipv4, dataLength: number): Uint8Array {
  const totalLength = IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH + dataLength;
  const out = new Uint8Array(totalLength);
  writeIpv4Header(out, 0, { source, destination, protocol: PROTOCOL_ICMP, totalLength });
  return out;
}

function finished(out: Uint8Array): Uint8Array {
  writeU16(out, IPV4_HEADER_LENGTH + 2, finish(sum16(out, IPV4_HEADER_LENGTH, out.length)));
  return out;
}

const ICMP_HEADER_LENGTH = 8;
const FRAGMENTATION_NEEDED = 4;
const QUOTED_PAYLOAD = 8;
