// Kernel socket addresses (sockaddr_in, sockaddr_in6) in a buffer.
//
//   sockaddr_in    family u16 | port u16 BE | address 4                         16 bytes
//   sockaddr_in6   family u16 | port u16 BE | flow 4 | address 16 | scope 4     28 bytes
import { type Ipv4, parseIpv4 } from "../wire/address.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCKADDR_BYTES = 28;

/** Writes `host`, an IP literal, in the form of a socket of `family`; returns its length. */
export function writeSocketAddress(
  out: Uint8Array,
  offset: number,
  family: number,
  host: string,
  port: number,
): number {
  const ipv4 = parseIpv4(host);
  out.fill(0, offset, offset + SOCKADDR_BYTES);
  out[offset] = family;
  out[offset + 2] = port >> 8;
  out[offset + 3] = port & 0xff;
  if (family === AF_INET) {
    writeIpv4(out, offset + 4, ipv4 ?? 0);
    return 16;
  }
  if (ipv4 === undefined) out.set(parseIpv6(host), offset + 8);
  else {
    out[offset + 18] = 0xff;
    out[offset + 19] = 0xff;
    writeIpv4(out, offset + 20, ipv4);
  }
  return 28;
}

export function readPort(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

/** The plain or IPv4-mapped address of a socket address; undefined for other IPv6 addresses. */
export function readIpv4(bytes: Uint8Array, offset: number): Ipv4 | undefined {
  if (bytes[offset] === AF_INET) return ipv4At(bytes, offset + 4);
  return isMapped(bytes, offset + 8) ? ipv4At(bytes, offset + 20) : undefined;
}

export function readHost(bytes: Uint8Array, offset: number): string {
  const ipv4 = readIpv4(bytes, offset);
  if (ipv4 !== undefined) return `${ipv4 >>> 24}.${(ipv4 >> 16) & 0xff}.${(ipv4 >> 8) & 0xff}.${ipv4 & 0xff}`;
  return formatIpv6(bytes.subarray(offset + 8, offset + 24));
}

export function ipv4At(bytes: Uint8Array, offset: number): Ipv4 {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

export function writeIpv4(out: Uint8Array, offset: number, address: Ipv4): void {
  out[offset] = address >>> 24;
  out[offset + 1] = (address >> 16) & 0xff;
  out[offset + 2] = (address >> 8) & 0xff;
  out[offset + 3] = address & 0xff;
}

/** 16 bytes in the text form of RFC 5952. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const run = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

/** The bytes of an IPv6 literal that the runtime or the kernel has checked. */
export function parseIpv6(host: string): Uint8Array {
  const [left = "", right] = host.replace(/%.*$/, "").split("::");
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  const zeros = Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0);
  return Uint8Array.from([...head, ...zeros, ...tail].slice(0, 8).flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16) & 0xffff);
}

function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
