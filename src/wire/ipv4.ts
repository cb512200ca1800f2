// The IPv4 header of an inner packet (RFC 791): checking, reading, writing, and rewriting addresses in place.
// In all of wire/, `offset` is where the IPv4 packet starts within `bytes`. Nothing here allocates.
//
//   0  version, IHL | TOS       | total length
//   4  identification           | flags, fragment offset
//   8  TTL          | protocol  | header checksum
//  12  source                     16  destination          20  options
import type { Ipv4 } from "./address.ts";
import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import { adjust32, finish, sum16 } from "./checksum.ts";

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** Of a header without options. */
export const IPV4_HEADER_LENGTH = 20;

export type Ipv4Fault = "not-ipv4" | "short" | "bad-header-length" | "bad-total-length" | "bad-checksum" | "fragment";

/**
 * Undefined when bytes[offset, end) are exactly one whole IPv4 packet. Every other function in wire/ that
 * takes an IPv4 packet relies on this check. The transport header is not looked at: it may be short or missing.
 */
export function checkIpv4(bytes: Uint8Array, offset = 0, end = bytes.length): Ipv4Fault | undefined {
  const available = end - offset;
  if (available < 1) return "short";
  if ((bytes[offset] as number) >>> 4 !== 4) return "not-ipv4";
  if (available < IPV4_HEADER_LENGTH) return "short";
  const headerLength = ipv4HeaderLength(bytes, offset);
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > available) return "bad-header-length";
  if (ipv4TotalLength(bytes, offset) !== available) return "bad-total-length";
  if (finish(sum16(bytes, offset, offset + headerLength)) !== 0) return "bad-checksum";
  if ((readU16(bytes, offset + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return "fragment";
  return undefined;
}

/** In bytes, options included. */
export function ipv4HeaderLength(bytes: Uint8Array, offset = 0): number {
  return ((bytes[offset] as number) & 0x0f) * 4;
}

export function ipv4TotalLength(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + 2);
}

export function ipv4Ttl(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + 8] as number;
}

export function ipv4Protocol(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + 9] as number;
}

/** Whether the sender allows routers to cut it up. */
export function mayFragment(bytes: Uint8Array, offset = 0): boolean {
  return ((bytes[offset + 6] as number) & (DONT_FRAGMENT >>> 8)) === 0;
}

export function ipv4Source(bytes: Uint8Array, offset = 0): Ipv4 {
  return readU32(bytes, offset + SOURCE_AT);
}

export function ipv4Destination(bytes: Uint8Array, offset = 0): Ipv4 {
  return readU32(bytes, offset + DESTINATION_AT);
}

/** Of a checked packet; the header's and the TCP or UDP checksum follow. */
export function setIpv4Source(bytes: Uint8Array, offset: number, address: Ipv4): void {
  setAddress(bytes, offset, SOURCE_AT, address);
}

/** Of a checked packet; the header's and the TCP or UDP checksum follow. */
export function setIpv4Destination(bytes: Uint8Array, offset: number, address: Ipv4): void {
  setAddress(bytes, offset, DESTINATION_AT, address);
}

/**
 * Where the header starts that an ICMP error quotes, or -1 when this checked packet is no ICMP error or quotes less
 * than one whole IPv4 header. The accessors above read the quoted header when they are given this as `offset`.
 */
export function quotedIpv4Start(bytes: Uint8Array, offset = 0): number {
  if (ipv4Protocol(bytes, offset) !== PROTOCOL_ICMP) return -1;
  const icmp = offset + ipv4HeaderLength(bytes, offset);
  const quoted = icmp + ICMP_HEADER_LENGTH;
  const available = offset + ipv4TotalLength(bytes, offset) - quoted;
  if (available < IPV4_HEADER_LENGTH || !isIcmpError(bytes[icmp] as number)) return -1;
  if ((bytes[quoted] as number) >>> 4 !== 4) return -1;
  const headerLength = ipv4HeaderLength(bytes, quoted);
  return headerLength < IPV4_HEADER_LENGTH || headerLength > available ? -1 : quoted;
}

/** Types 3, 4, 5, 11, 12: these and no others quote the packet that they are about (RFC 792). */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** Rewrites the source of the packet that an ICMP error quotes. False, and nothing changed, when it quotes none. */
export function rewriteQuotedSource(bytes: Uint8Array, offset: number, address: Ipv4): boolean {
  return setQuotedAddress(bytes, offset, SOURCE_AT, address);
}

/** Rewrites the destination of the packet that an ICMP error quotes. False, and nothing changed, when it quotes none. */
export function rewriteQuotedDestination(bytes: Uint8Array, offset: number, address: Ipv4): boolean {
  return setQuotedAddress(bytes, offset, DESTINATION_AT, address);
}

export interface Ipv4Header {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly totalLength: number;
}

/** A header of 20 bytes without options: identification 0, don't fragment, TTL 64. */
export function writeIpv4Header(out: Uint8Array, offset: number, header: Ipv4Header): void {
  writeIpv4Fields(out, offset, header.source, header.destination, header.protocol, header.totalLength);
}

/** The same for a path that makes no objects. */
export function writeIpv4Fields(
  out: Uint8Array,
  offset: number,
  source: Ipv4,
  destination: Ipv4,
  protocol: number,
  totalLength: number,
): void {
  if (totalLength > 0xffff) throw new RangeError(`${totalLength} bytes are too many for an IPv4 packet`);
  out[offset] = 0x45;
  out[offset + 1] = 0;
  writeU16(out, offset + 2, totalLength);
  writeU16(out, offset + 4, 0);
  writeU16(out, offset + 6, DONT_FRAGMENT);
  out[offset + 8] = 64;
  out[offset + 9] = protocol;
  writeU16(out, offset + 10, 0);
  writeU32(out, offset + SOURCE_AT, source);
  writeU32(out, offset + DESTINATION_AT, destination);
  writeU16(out, offset + CHECKSUM_AT, finish(sum16(out, offset, offset + IPV4_HEADER_LENGTH)));
}

/** The sum over the pseudo-header that TCP and UDP checksums cover (RFC 9293 section 3.1, RFC 768). */
export function pseudoHeaderSum(bytes: Uint8Array, offset: number, transportLength: number): number {
  return sum16(bytes, offset + SOURCE_AT, offset + 20, ipv4Protocol(bytes, offset) + transportLength);
}

function setAddress(bytes: Uint8Array, offset: number, at: number, address: Ipv4): void {
  const old = readU32(bytes, offset + at);
  writeU32(bytes, offset + at, address);
  adjustAt(bytes, offset + CHECKSUM_AT, old, address);
  const transport = transportChecksumAt(bytes, offset, offset + ipv4TotalLength(bytes, offset));
  if (transport < 0) return;
  adjustAt(bytes, transport, old, address);
  if (ipv4Protocol(bytes, offset) === PROTOCOL_UDP) avoidUdpZero(bytes, transport);
}

/** Three checksums follow: the quoted header's, the quoted TCP's or UDP's if it is quoted, and that of the ICMP error. */
function setQuotedAddress(bytes: Uint8Array, offset: number, at: number, address: Ipv4): boolean {
  const quoted = quotedIpv4Start(bytes, offset);
  if (quoted < 0) return false;
  const icmpChecksum = offset + ipv4HeaderLength(bytes, offset) + 2;
  const old = readU32(bytes, quoted + at);
  writeU32(bytes, quoted + at, address);
  adjustAt(bytes, icmpChecksum, old, address);

  const oldHeaderChecksum = readU16(bytes, quoted + CHECKSUM_AT);
  adjustAt(bytes, quoted + CHECKSUM_AT, old, address);
  adjustAt(bytes, icmpChecksum, oldHeaderChecksum, readU16(bytes, quoted + CHECKSUM_AT));

  const transport = transportChecksumAt(bytes, quoted, offset + ipv4TotalLength(bytes, offset));
  if (transport < 0) return true;
  const oldTransportChecksum = readU16(bytes, transport);
  adjustAt(bytes, transport, old, address);
  if (ipv4Protocol(bytes, quoted) === PROTOCOL_UDP) avoidUdpZero(bytes, transport);
  adjustAt(bytes, icmpChecksum, oldTransportChecksum, readU16(bytes, transport));
  return true;
}

/**
 * Where the checksum of TCP or UDP is, or -1: another protocol, a later fragment, cut off before `end`, or a UDP
 * checksum of 0, which means that there is none.
 */
function transportChecksumAt(bytes: Uint8Array, offset: number, end: number): number {
  if ((readU16(bytes, offset + 6) & FRAGMENT_OFFSET) !== 0) return -1;
  const protocol = ipv4Protocol(bytes, offset);
  const transport = offset + ipv4HeaderLength(bytes, offset);
  if (protocol === PROTOCOL_TCP) return transport + 18 <= end ? transport + 16 : -1;
  if (protocol !== PROTOCOL_UDP || transport + 8 > end) return -1;
  return readU16(bytes, transport + 6) === 0 ? -1 : transport + 6;
}

/** A computed UDP checksum of 0 is sent as its equal 0xffff: 0 would switch the check off (RFC 768). */
function avoidUdpZero(bytes: Uint8Array, checksumAt: number): void {
  if (readU16(bytes, checksumAt) === 0) writeU16(bytes, checksumAt, 0xffff);
}

function adjustAt(bytes: Uint8Array, checksumAt: number, oldWord: number, newWord: number): void {
  writeU16(bytes, checksumAt, adjust32(readU16(bytes, checksumAt), oldWord, newWord));
}

const CHECKSUM_AT = 10;
const SOURCE_AT = 12;
const DESTINATION_AT = 16;
const DONT_FRAGMENT = 0x4000;
const FRAGMENT_OFFSET = 0x1fff;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const ICMP_HEADER_LENGTH = 8;
