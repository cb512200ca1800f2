// The datagrams of the tunnel. The first byte tells them apart; everything else is an inner packet, normally 0x45….
//
//   0x01 | IPv4 address (4) | port (2)                      relay -> client: the address it is seen at
//   0x10 or 0x11 | n | service id (n)                       client -> relay: register as agent or connector
//   0x12 or 0x13 | status | n | service id (n)              relay -> client: accepted or refused
//   0x2f | n | service id (n) | inner packet                agent -> relay
//   0x5a | 0x10 or 0x11 | sequence (4)                      keepalive of a direct path
import type { Ipv4 } from "./address.ts";
import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";

export const ALPN = "ztna-v1";

export const OBSERVED_ADDRESS = 0x01;
export const AGENT_REGISTRATION = 0x10;
export const CONNECTOR_REGISTRATION = 0x11;
export const REGISTRATION_ACK = 0x12;
export const REGISTRATION_NACK = 0x13;
export const ROUTED_PACKET = 0x2f;
export const P2P_KEEPALIVE = 0x5a;

/** Malformed request; the service id in the answer is empty. */
export const NACK_MALFORMED = 0x01;
export const NACK_NOT_GRANTED = 0x02;
/** Too many registrations; ours, which reference clients take for a refusal like any other. */
export const NACK_LIMIT = 0x03;

export const MAX_SERVICE_ID_LENGTH = 255;

type RegisteringRole = "agent" | "connector";

/** Service ids are any UTF-8 of 0 to 255 bytes. Byte arrays are views of the datagram. */
export type TunnelDatagram =
  | { readonly type: "empty" }
  | { readonly type: "observed-address"; readonly address: Ipv4; readonly port: number }
  | { readonly type: "registration"; readonly role: RegisteringRole; readonly service: string }
  | { readonly type: "malformed-registration"; readonly role: RegisteringRole }
  | { readonly type: "ack"; readonly status: number; readonly service: string }
  | { readonly type: "nack"; readonly status: number; readonly service: string }
  | { readonly type: "routed"; readonly service: string; readonly inner: Uint8Array }
  | { readonly type: "keepalive"; readonly request: boolean; readonly sequence: number }
  /** Starts like the named message, but is cut off or carries an id that is not UTF-8. */
  | { readonly type: "malformed"; readonly kind: "observed-address" | "ack" | "nack" | "routed" | "keepalive" }
  | { readonly type: "inner"; readonly bytes: Uint8Array };

/** Bytes behind a complete message are ignored. An inner packet is not looked at: see checkIpv4. */
export function parseTunnelDatagram(bytes: Uint8Array): TunnelDatagram {
  switch (bytes[0]) {
    case undefined:
      return { type: "empty" };
    case OBSERVED_ADDRESS:
      if (bytes.length < 7) return { type: "malformed", kind: "observed-address" };
      return { type: "observed-address", address: readU32(bytes, 1), port: readU16(bytes, 5) };
    case AGENT_REGISTRATION:
      return parseRegistration(bytes, "agent");
    case CONNECTOR_REGISTRATION:
      return parseRegistration(bytes, "connector");
    case REGISTRATION_ACK:
      return parseAnswer(bytes, "ack");
    case REGISTRATION_NACK:
      return parseAnswer(bytes, "nack");
    case ROUTED_PACKET:
      return parseRouted(bytes);
    case P2P_KEEPALIVE:
      return parseKeepalive(bytes);
    default:
      return { type: "inner", bytes };
  }
}

export function encodeObservedAddress(address: Ipv4, port: number): Uint8Array {
  const out = new Uint8Array(7);
  out[0] = OBSERVED_ADDRESS;
  writeU32(out, 1, address);
  writeU16(out, 5, port);
  return out;
}

export function encodeRegistration(role: RegisteringRole, service: string): Uint8Array {
  const id = checkedServiceId(service);
  const type = role === "agent" ? AGENT_REGISTRATION : CONNECTOR_REGISTRATION;
  return concat([type, id.length], id);
}

export function encodeAck(service: string): Uint8Array {
  const id = checkedServiceId(service);
  return concat([REGISTRATION_ACK, 0, id.length], id);
}

export function encodeNack(status: number, service: string): Uint8Array {
  const id = checkedServiceId(service);
  return concat([REGISTRATION_NACK, status, id.length], id);
}

export function encodeRouted(service: string, inner: Uint8Array): Uint8Array {
  const id = checkedServiceId(service);
  return concat([ROUTED_PACKET, id.length], id, inner);
}

/** The id as sent; undefined when it is longer than 255 bytes or not text that UTF-8 can carry. */
export function encodeServiceId(service: string): Uint8Array | undefined {
  if (!service.isWellFormed()) return undefined;
  const id = ENCODER.encode(service);
  return id.length > MAX_SERVICE_ID_LENGTH ? undefined : id;
}

/** Where the inner packet of a routed datagram starts (its end when it is empty); -1 if it is cut off before. */
export function routedInnerStart(bytes: Uint8Array): number {
  if (bytes.length < 3) return -1;
  const start = 2 + (bytes[1] as number);
  return start > bytes.length ? -1 : start;
}

/** Whether a routed datagram that routedInnerStart accepted is for this id. Compares bytes: ids are case-sensitive. */
export function routedServiceEquals(bytes: Uint8Array, id: Uint8Array): boolean {
  const length = id.length;
  if (bytes[1] !== length) return false;
  for (let i = 0; i < length; i += 1) {
    if (bytes[2 + i] !== id[i]) return false;
  }
  return true;
}

function parseRegistration(bytes: Uint8Array, role: RegisteringRole): TunnelDatagram {
  const service = parseServiceId(bytes, 1);
  return service === undefined ? { type: "malformed-registration", role } : { type: "registration", role, service };
}

function parseAnswer(bytes: Uint8Array, type: "ack" | "nack"): TunnelDatagram {
  const status = bytes[1];
  const service = parseServiceId(bytes, 2);
  if (status === undefined || service === undefined) return { type: "malformed", kind: type };
  return { type, status, service };
}

function parseRouted(bytes: Uint8Array): TunnelDatagram {
  const start = routedInnerStart(bytes);
  const service = start < 0 ? undefined : parseServiceId(bytes, 1);
  if (service === undefined) return { type: "malformed", kind: "routed" };
  return { type: "routed", service, inner: bytes.subarray(start) };
}

function parseKeepalive(bytes: Uint8Array): TunnelDatagram {
  const kind = bytes[1];
  if (bytes.length < 6 || (kind !== KEEPALIVE_REQUEST && kind !== KEEPALIVE_RESPONSE)) {
    return { type: "malformed", kind: "keepalive" };
  }
  return { type: "keepalive", request: kind === KEEPALIVE_REQUEST, sequence: readU32(bytes, 2) };
}

/** The length byte is at `at`, the id behind it. */
function parseServiceId(bytes: Uint8Array, at: number): string | undefined {
  const length = bytes[at];
  if (length === undefined || at + 1 + length > bytes.length) return undefined;
  return decodeUtf8(bytes.subarray(at + 1, at + 1 + length));
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function checkedServiceId(service: string): Uint8Array {
  const id = encodeServiceId(service);
  if (id === undefined) throw new RangeError("a service id must be UTF-8 of at most 255 bytes");
  return id;
}

function concat(head: readonly number[], id: Uint8Array, inner?: Uint8Array): Uint8Array {
  const out = new Uint8Array(head.length + id.length + (inner?.length ?? 0));
  out.set(head);
  out.set(id, head.length);
  if (inner !== undefined) out.set(inner, head.length + id.length);
  return out;
}

/** Strict, and keeps a leading byte order mark: two different ids must never become the same text. */
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
const KEEPALIVE_REQUEST = 0x10;
const KEEPALIVE_RESPONSE = 0x11;
