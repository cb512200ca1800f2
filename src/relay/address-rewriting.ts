// Puts an agent's unique address in place of its own on the way to connectors, and back: in the header, and in the
// header that an ICMP error quotes. In place; every checksum follows.
import {
  ipv4Destination,
  ipv4Source,
  quotedIpv4Start,
  rewriteQuotedDestination,
  rewriteQuotedSource,
  setIpv4Destination,
  setIpv4Source,
} from "../wire/ipv4.ts";
import type { AgentAddress } from "./agent-addresses.ts";

/** An agent's packet at `offset`, which checkIpv4 accepted. What its ICMP errors quote was sent to the agent. */
export function rewriteToConnector(bytes: Uint8Array, offset: number, agent: AgentAddress): void {
  setIpv4Source(bytes, offset, agent.address);
  const quoted = quotedIpv4Start(bytes, offset);
  if (quoted >= 0 && ipv4Destination(bytes, quoted) === agent.inner) {
    rewriteQuotedDestination(bytes, offset, agent.address);
  }
}

/** A connector's packet, which checkIpv4 accepted. What its ICMP errors quote was sent by the agent. */
export function rewriteToAgent(bytes: Uint8Array, agent: AgentAddress): void {
  setIpv4Destination(bytes, 0, agent.inner);
  const quoted = quotedIpv4Start(bytes);
  if (quoted >= 0 && ipv4Source(bytes, quoted) === agent.address) rewriteQuotedSource(bytes, 0, agent.inner);
}
