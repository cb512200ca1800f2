// ICMP errors about packets of local flows: what opens a connection ends at once, what is too large becomes smaller. UDP
// programs learn nothing: a socket that is not connected has no place for it.

import type { TcpFlow } from "../tcp/isn.ts";
import { readU16 } from "../wire/bytes.ts";
import { checkIcmp, ICMP_UNREACHABLE, icmpCode, icmpNextHopMtu, icmpType } from "../wire/icmp.ts";
import {
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_TCP,
  quotedIpv4Start,
} from "../wire/ipv4.ts";

export interface LocalError {
  /** Of the packet that did not get through; `source` is ours. */
  readonly flow: TcpFlow;
  readonly isTcp: boolean;
  readonly kind: "refused" | "unreachable" | "too-large";
  /** With "too-large": the largest packet that does. */
  readonly nextHopMtu: number;
}

/** Of a packet that checkIpv4 accepted, of protocol ICMP. Undefined: no error, or damaged. */
export function readLocalError(packet: Uint8Array): LocalError | undefined {
  const quoted = quotedIpv4Start(packet);
  if (quoted < 0 || checkIcmp(packet) !== undefined || icmpType(packet) !== ICMP_UNREACHABLE) return undefined;
  const ports = quoted + ipv4HeaderLength(packet, quoted);
  if (ports + PORTS_LENGTH > packet.length) return undefined;
  const flow = {
    source: ipv4Source(packet, quoted),
    sourcePort: readU16(packet, ports),
    destination: ipv4Destination(packet, quoted),
    destinationPort: readU16(packet, ports + 2),
  };
  const code = icmpCode(packet);
  const kind = code === FRAGMENTATION_NEEDED ? "too-large" : REFUSALS.has(code) ? "refused" : "unreachable";
  return { flow, isTcp: ipv4Protocol(packet, quoted) === PROTOCOL_TCP, kind, nextHopMtu: icmpNextHopMtu(packet) };
}

const PORTS_LENGTH = 4;
const FRAGMENTATION_NEEDED = 4;
/** Protocol unreachable, port unreachable. */
const REFUSALS: ReadonlySet<number> = new Set([2, 3]);
