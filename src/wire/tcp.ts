// TCP segments inside an inner packet (RFC 9293 section 3.1). `offset` is where the IPv4 packet starts; checkIpv4
// accepted it, and the accessors rely on checkTcp.
//
//   0  source port | destination port      4  sequence number      8  acknowledgement number
//  12  data offset, flags | window        16  checksum | urgent   20  options
import type { Ipv4 } from "./address.ts";
import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import { adjust32, finish, sum16 } from "./checksum.ts";
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  PROTOCOL_TCP,
  pseudoHeaderSum,
  writeIpv4Fields,
} from "./ipv4.ts";

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_CWR = 0x80;

export type TcpFault = "short" | "bad-header-length" | "bad-checksum";

/** `end` is where the IPv4 packet ends. */
export function checkTcp(
  bytes: Uint8Array,
  offset = 0,
  end = offset + ipv4TotalLength(bytes, offset),
): TcpFault | undefined {
  const tcp = offset + ipv4HeaderLength(bytes, offset);
  if (end - tcp < TCP_HEADER_LENGTH) return "short";
  const headerLength = tcpHeaderLength(bytes, offset);
  if (headerLength < TCP_HEADER_LENGTH || headerLength > end - tcp) return "bad-header-length";
  const sum = pseudoHeaderSum(bytes, offset, end - tcp);
  return finish(sum16(bytes, tcp, end, sum)) === 0 ? undefined : "bad-checksum";
}

export function tcpSourcePort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset));
}

export function tcpDestinationPort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset) + 2);
}

export function tcpSequence(bytes: Uint8Array, offset = 0): number {
  return readU32(bytes, offset + ipv4HeaderLength(bytes, offset) + 4);
}

export function tcpAcknowledgement(bytes: Uint8Array, offset = 0): number {
  return readU32(bytes, offset + ipv4HeaderLength(bytes, offset) + 8);
}

/** In bytes, options included. */
export function tcpHeaderLength(bytes: Uint8Array, offset = 0): number {
  return ((bytes[offset + ipv4HeaderLength(bytes, offset) + 12] as number) >>> 4) * 4;
}

/** The eight flags of octet 13. */
export function tcpFlags(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + ipv4HeaderLength(bytes, offset) + 13] as number;
}

/** As sent, not scaled. */
export function tcpWindow(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset) + 14);
}

export function tcpOptionsStart(bytes: Uint8Array, offset = 0): number {
  return offset + ipv4HeaderLength(bytes, offset) + TCP_HEADER_LENGTH;
}

/** Where the options end, too. */
export function tcpPayloadStart(bytes: Uint8Array, offset = 0): number {
  return offset + ipv4HeaderLength(bytes, offset) + tcpHeaderLength(bytes, offset);
}

/**
 * Lowers the maximum segment size that a SYN or SYN|ACK announces. Takes any packet that checkIpv4 accepted; one that
 * is not such a segment, or is malformed, stays as it is. True when it changed something. Allocates nothing.
 */
export function clampMss(bytes: Uint8Array, offset: number, maxMss: number): boolean {
  if (ipv4Protocol(bytes, offset) !== PROTOCOL_TCP) return false;
  const tcp = offset + ipv4HeaderLength(bytes, offset);
  const available = offset + ipv4TotalLength(bytes, offset) - tcp;
  if (available < TCP_HEADER_LENGTH || (tcpFlags(bytes, offset) & TCP_SYN) === 0) return false;
  const headerLength = tcpHeaderLength(bytes, offset);
  if (headerLength > available) return false;
  const end = tcp + headerLength;
  let changed = false;
  let option = tcp + TCP_HEADER_LENGTH;
  while (option < end) {
    const kind = bytes[option] as number;
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      option += 1;
      continue;
    }
    const length = option + 1 < end ? (bytes[option + 1] as number) : 0;
    if (length < 2 || option + length > end) break;
    if (kind === OPTION_MSS && length === 4) changed = lowerMss(bytes, tcp, option + 2, maxMss) || changed;
    option += length;
  }
  return changed;
}

/** An option may start anywhere, so its value may straddle two words of the sum: swapped, it counts the same there. */
function lowerMss(bytes: Uint8Array, tcp: number, at: number, maxMss: number): boolean {
  const mss = readU16(bytes, at);
  if (mss <= maxMss) return false;
  writeU16(bytes, at, maxMss);
  const straddles = ((at - tcp) & 1) === 1;
  const checksum = readU16(bytes, tcp + CHECKSUM_AT);
  const adjusted = straddles ? adjust32(checksum, swap16(mss), swap16(maxMss)) : adjust32(checksum, mss, maxMss);
  writeU16(bytes, tcp + CHECKSUM_AT, adjusted);
  return true;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

export interface TcpHeader {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  /** As sent, not scaled. */
  readonly window: number;
}

export interface TcpSegment extends TcpHeader {
  /** Whole words: a multiple of 4 bytes, at most 40. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** A whole inner packet. */
export function encodeTcp(segment: TcpSegment): Uint8Array {
  const { options = NOTHING, payload = NOTHING } = segment;
  if (options.length % 4 !== 0 || options.length > 40) {
    throw new RangeError(`TCP options take up to 40 bytes in whole words, not ${options.length} bytes`);
  }
  const out = new Uint8Array(HEADERS_LENGTH + options.length + payload.length);
  out.set(options, HEADERS_LENGTH);
  out.set(payload, HEADERS_LENGTH + options.length);
  writeTcpHeaders(out, 0, segment, options.length, payload.length);
  return out;
}

/** Of IPv4 and TCP, without options. */
export const HEADERS_LENGTH = 40;

/**
 * Completes an inner packet in place: options and payload already stand behind the room for the headers. Returns the
 * packet's length. Allocates nothing.
 */
export function writeTcpHeaders(
  out: Uint8Array,
  offset: number,
  header: TcpHeader,
  optionsLength: number,
  payloadLength: number,
): number {
  const totalLength = HEADERS_LENGTH + optionsLength + payloadLength;
  writeIpv4Fields(out, offset, header.source, header.destination, PROTOCOL_TCP, totalLength);
  const tcp = offset + IPV4_HEADER_LENGTH;
  const end = offset + totalLength;
  writeU16(out, tcp, header.sourcePort);
  writeU16(out, tcp + 2, header.destinationPort);
  writeU32(out, tcp + 4, header.sequence);
  writeU32(out, tcp + 8, header.acknowledgement);
  out[tcp + 12] = ((TCP_HEADER_LENGTH + optionsLength) / 4) << 4;
  out[tcp + 13] = header.flags;
  writeU16(out, tcp + 14, header.window);
  writeU32(out, tcp + CHECKSUM_AT, 0);
  writeU16(out, tcp + CHECKSUM_AT, finish(sum16(out, tcp, end, pseudoHeaderSum(out, offset, end - tcp))));
  return totalLength;
}

/**
 * The reset that answers a checked segment for which there is no connection (RFC 9293 section 3.5.2, group 1).
 * Undefined when the segment is a reset itself: resets are never answered.
 */
export function encodeRst(bytes: Uint8Array, offset = 0): Uint8Array | undefined {
  const flags = tcpFlags(bytes, offset);
  if ((flags & TCP_RST) !== 0) return undefined;
  const acknowledges = (flags & TCP_ACK) !== 0;
  return encodeTcp({
    source: ipv4Destination(bytes, offset),
    sourcePort: tcpDestinationPort(bytes, offset),
    destination: ipv4Source(bytes, offset),
    destinationPort: tcpSourcePort(bytes, offset),
    sequence: acknowledges ? tcpAcknowledgement(bytes, offset) : 0,
    acknowledgement: acknowledges ? 0 : (tcpSequence(bytes, offset) + sequenceLength(bytes, offset)) >>> 0,
    flags: acknowledges ? TCP_RST : TCP_RST | TCP_ACK,
    window: 0,
  });
}

/** SYN and FIN take a place in the sequence like a byte of payload. */
function sequenceLength(bytes: Uint8Array, offset: number): number {
  const flags = tcpFlags(bytes, offset);
  const payload = offset + ipv4TotalLength(bytes, offset) - tcpPayloadStart(bytes, offset);
  return payload + ((flags & TCP_SYN) === 0 ? 0 : 1) + ((flags & TCP_FIN) === 0 ? 0 : 1);
}

const TCP_HEADER_LENGTH = 20;
const CHECKSUM_AT = 16;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const NOTHING = new Uint8Array(0);
