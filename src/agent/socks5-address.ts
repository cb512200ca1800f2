// Where a SOCKS5 client wants to go, as its requests and its datagrams say it (RFC 1928, section 5).
//
//   type 1 | IPv4, 4 bytes      type 3 | length | name      type 4 | IPv6, 16 bytes      then port, 2 bytes
import { type Ipv4, isIpv6, parseIpv4 } from "../wire/address.ts";
import { readU16, readU32, writeU16, writeU32 } from "../wire/bytes.ts";

/** A name is given as it came: bytes that are not ASCII make no name. IPv6 leads nowhere here. */
export type SocksTarget =
  | { readonly type: "ipv4"; readonly address: Ipv4; readonly port: number }
  | { readonly type: "name"; readonly name: string; readonly port: number }
  | { readonly type: "ipv6"; readonly port: number };

export interface ReadTarget {
  readonly target: SocksTarget;
  /** Behind the port. */
  readonly end: number;
}

/** "short": more bytes could complete it. "unknown-type": none could. */
export function readSocksTarget(bytes: Uint8Array, at: number, end = bytes.length): ReadTarget | Unread {
  const type = at < end ? bytes[at] : undefined;
  if (type === undefined) return "short";
  const start = at + (type === NAME ? 2 : 1);
  const length = addressLength(type, start <= end ? bytes[at + 1] : undefined);
  if (typeof length === "string") return length;
  const portAt = start + length;
  if (portAt + 2 > end) return "short";
  const port = readU16(bytes, portAt);
  return { target: targetOf(type, bytes, start, portAt, port), end: portAt + 2 };
}

type Unread = "short" | "unknown-type";

/** Of a name, an address of that length follows its first byte. */
function addressLength(type: number, nameLength: number | undefined): number | Unread {
  if (type === IPV4) return 4;
  if (type === IPV6) return 16;
  if (type !== NAME) return "unknown-type";
  return nameLength ?? "short";
}

function targetOf(type: number, bytes: Uint8Array, start: number, end: number, port: number): SocksTarget {
  if (type === IPV4) return { type: "ipv4", address: readU32(bytes, start), port };
  if (type === IPV6) return { type: "ipv6", port };
  let name = "";
  for (let at = start; at < end; at++) name += String.fromCharCode(bytes[at] as number);
  // Some clients pass on literally what a person typed.
  const address = parseIpv4(name);
  return address === undefined ? { type: "name", name, port } : { type: "ipv4", address, port };
}

/** An IP literal as writeSocksAddress takes it; a zone is left out. */
export function socksHost(host: string): Ipv4 | Uint8Array | undefined {
  const ipv4 = parseIpv4(host);
  if (ipv4 !== undefined) return ipv4;
  const plain = host.split("%")[0] as string;
  if (!isIpv6(plain)) return undefined;
  const [head = "", tail] = plain.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const out = new Uint8Array(16);
  for (const [at, group] of before.entries()) writeU16(out, at * 2, group);
  for (const [at, group] of after.entries()) writeU16(out, 16 - (after.length - at) * 2, group);
  return out;
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    const ipv4 = parseIpv4(part);
    return ipv4 === undefined ? [Number.parseInt(part, 16)] : [ipv4 >>> 16, ipv4 & 0xffff];
  });
}

/** Bytes of an address and a port as writeSocksAddress writes them. */
export function socksAddressLength(host: Ipv4 | Uint8Array): number {
  return typeof host === "number" ? 7 : 19;
}

/** `host` is an IPv4 address, or the 16 bytes of an IPv6 address. Returns where it ends. */
export function writeSocksAddress(out: Uint8Array, at: number, host: Ipv4 | Uint8Array, port: number): number {
  const end = at + socksAddressLength(host);
  out[at] = typeof host === "number" ? IPV4 : IPV6;
  if (typeof host === "number") writeU32(out, at + 1, host);
  else out.set(host, at + 1);
  writeU16(out, end - 2, port);
  return end;
}

const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
