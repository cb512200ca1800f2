// UDP inside an inner packet (RFC 768). `offset` is where the IPv4 packet starts; checkIpv4 accepted it.
//
//   0  source port | destination port      4  length | checksum      8  payload
import type { Ipv4 } from "./address.ts";
import { readU16, writeU16 } from "./bytes.ts";
import { finish, sum16 } from "./checksum.ts";
import {
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4TotalLength,
  PROTOCOL_UDP,
  pseudoHeaderSum,
  writeIpv4Fields,
} from "./ipv4.ts";

export type UdpFault = "short" | "bad-length" | "bad-checksum";

/**
 * `end` is where the IPv4 packet ends. A length field below that is allowed: what follows the length is not payload.
 * A checksum of 0 means that the sender made none.
 */
export function checkUdp(
  bytes: Uint8Array,
  offset = 0,
  end = offset + ipv4TotalLength(bytes, offset),
): UdpFault | undefined {
  const udp = offset + ipv4HeaderLength(bytes, offset);
  if (end - udp < UDP_HEADER_LENGTH) return "short";
  const length = readU16(bytes, udp + 4);
  if (length < UDP_HEADER_LENGTH || length > end - udp) return "bad-length";
  if (readU16(bytes, udp + 6) === 0) return undefined;
  const sum = pseudoHeaderSum(bytes, offset, length);
  return finish(sum16(bytes, udp, udp + length, sum)) === 0 ? undefined : "bad-checksum";
}

export function udpSourcePort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset));
}

export function udpDestinationPort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + ipv4HeaderLength(bytes, offset) + 2);
}

export function udpPayloadStart(bytes: Uint8Array, offset = 0): number {
  return offset + ipv4HeaderLength(bytes, offset) + UDP_HEADER_LENGTH;
}

/** By the UDP length field, which checkUdp verified. */
export function udpPayloadEnd(bytes: Uint8Array, offset = 0): number {
  const udp = offset + ipv4HeaderLength(bytes, offset);
  return udp + readU16(bytes, udp + 4);
}

export interface UdpDatagram {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  /** False sends 0, "no checksum". */
  readonly checksum?: boolean;
}

/** A whole inner packet. */
export function encodeUdp(datagram: UdpDatagram): Uint8Array {
  const { source, sourcePort, destination, destinationPort, payload } = datagram;
  const out = new Uint8Array(UDP_OVERHEAD + payload.length);
  writeUdp(out, 0, source, sourcePort, destination, destinationPort, payload);
  if (datagram.checksum === false) writeU16(out, IPV4_HEADER_LENGTH + 6, 0);
  return out;
}

/** The same for a path that makes no objects. Returns the packet's length; there must be room for it. */
export function writeUdp(
  out: Uint8Array,
  offset: number,
  source: Ipv4,
  sourcePort: number,
  destination: Ipv4,
  destinationPort: number,
  payload: Uint8Array,
): number {
  const length = UDP_HEADER_LENGTH + payload.length;
  const totalLength = IPV4_HEADER_LENGTH + length;
  writeIpv4Fields(out, offset, source, destination, PROTOCOL_UDP, totalLength);
  const udp = offset + IPV4_HEADER_LENGTH;
  writeU16(out, udp, sourcePort);
  writeU16(out, udp + 2, destinationPort);
  writeU16(out, udp + 4, length);
  writeU16(out, udp + 6, 0);
  out.set(payload, udp + UDP_HEADER_LENGTH);
  const checksum = finish(sum16(out, udp, offset + totalLength, pseudoHeaderSum(out, offset, length)));
  writeU16(out, udp + 6, checksum === 0 ? 0xffff : checksum);
  return totalLength;
}

/** IPv4 and UDP headers of a packet without options: what a tunnelled datagram costs. */
export const UDP_OVERHEAD = 28;

const UDP_HEADER_LENGTH = 8;
