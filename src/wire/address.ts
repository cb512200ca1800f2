// IPv4 addresses as numbers, and socket addresses as the sockets intern them.

/** An IPv4 address as an unsigned 32-bit number in host order: 10.0.0.1 is 0x0a000001. */
export type Ipv4 = number;

/** The local socket and address that a packet came to; replies leave from there. */
export interface LocalAddress {
  readonly socket: number;
  readonly host: string;
  readonly port: number;
}

/**
 * The remote end of a UDP path. Sockets intern these: one object per (local, host, port) while it is in use, so that
 * equality is identity and no string is built per packet. IPv4-mapped IPv6 addresses are given as plain IPv4.
 */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** The address as a number when family is 4. */
  readonly ipv4: Ipv4 | undefined;
  readonly local: LocalAddress;
}

export interface HostPort {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Dotted quad only: four decimal numbers up to 255 without leading zeros, which some parsers read as octal. */
export function parseIpv4(text: string): Ipv4 | undefined {
  if (!DOTTED_QUAD.test(text)) return undefined;
  let address = 0;
  for (const part of text.split(".")) {
    const byte = Number(part);
    if (byte > 255) return undefined;
    address = address * 256 + byte;
  }
  return address;
}

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** 0 to 65535, decimal digits only, no leading zeros. */
export function parsePort(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

/** "name:port", "192.0.2.1:port" or "[2001:db8::1]:port"; the port may be absent when there is a default. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const match = HOST_AND_PORT.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, portText] = match;
  const port = portText === undefined ? defaultPort : parsePort(portText);
  if (port === undefined) return undefined;
  if (bracketed !== undefined) return isIpv6(bracketed) ? { host: bracketed, port } : undefined;
  return plain !== undefined && isNameOrIpv4(plain) ? { host: plain, port } : undefined;
}

/** A name whose last label is a number is an IPv4 address or a mistake: resolvers disagree about "10.1" and "0x7f.1". */
function isNameOrIpv4(text: string): boolean {
  if (text.length > 253 || !HOST_NAME.test(text)) return false;
  const lastLabel = text.replace(/\.$/, "").split(".").at(-1) ?? "";
  return NUMBER.test(lastLabel) ? parseIpv4(text) !== undefined : true;
}

/** RFC 4291 section 2.2, with an optional zone ("fe80::1%eth0"). */
export function isIpv6(text: string): boolean {
  const [address = "", zone, ...more] = text.split("%");
  if (more.length > 0 || (zone !== undefined && !/^[A-Za-z0-9._-]{1,15}$/.test(zone))) return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const [head = "", tail] = halves;
  const before = countGroups(head, tail === undefined);
  if (tail === undefined) return before === 8;
  return before + countGroups(tail, true) <= 7;
}

/** 16-bit groups that the text stands for; a wrong one makes the count impossible. An IPv4 address may end it. */
function countGroups(text: string, mayEndInIpv4: boolean): number {
  if (text === "") return 0;
  const parts = text.split(":");
  let groups = 0;
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups += 1;
    else if (mayEndInIpv4 && index === parts.length - 1 && parseIpv4(part) !== undefined) groups += 2;
    else return Number.POSITIVE_INFINITY;
  }
  return groups;
}

const DOTTED_QUAD = /^(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})$/;
const HOST_AND_PORT = /^(?:\[([^[\]]*)\]|([^:[\]]+))(?::([0-9]+))?$/;
const HOST_NAME =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$/;
const NUMBER = /^(?:[0-9]+|0[xX][0-9a-fA-F]*)$/;
