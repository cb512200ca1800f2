// TCP of an agent whose address is contested. Connections that it opens meanwhile begin at an interim address and stay
// there for good; segments of older ones belong to the contested address, and wait for the verdict about it.
import { ipv4HeaderLength, ipv4Protocol, ipv4TotalLength, PROTOCOL_TCP } from "../wire/ipv4.ts";
import { TCP_ACK, TCP_SYN, tcpFlags, tcpSourcePort } from "../wire/tcp.ts";
import type { AgentAddress } from "./agent-addresses.ts";

/** The address from which a checked packet at `offset` goes out, given the one for its source. */
export function addressForFlow(
  address: AgentAddress,
  bytes: Uint8Array,
  offset: number,
): AgentAddress | "address-contested" {
  if (address.contested === undefined && address.interim === undefined) return address;
  if (!hasTcpFlags(bytes, offset)) return address;
  const port = tcpSourcePort(bytes, offset);
  if (address.contested !== undefined) return mayGoOn(address, port, bytes, offset) ? address : "address-contested";
  const { interim } = address;
  return interim?.opened?.has(port) === true ? interim : address;
}

function mayGoOn(address: AgentAddress, port: number, bytes: Uint8Array, offset: number): boolean {
  if (address.opened?.has(port) === true) return true;
  const isOpening = (tcpFlags(bytes, offset) & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  if (!isOpening || (address.opened?.size ?? 0) >= MAX_OPENED) return false;
  address.opened ??= new Set();
  address.opened.add(port);
  return true;
}

function hasTcpFlags(bytes: Uint8Array, offset: number): boolean {
  if (ipv4Protocol(bytes, offset) !== PROTOCOL_TCP) return false;
  return ipv4TotalLength(bytes, offset) - ipv4HeaderLength(bytes, offset) >= TCP_HEADER_LENGTH;
}

/** A contest takes a second: nobody opens more connections in it without waiting. */
const MAX_OPENED = 256;
const TCP_HEADER_LENGTH = 20;
