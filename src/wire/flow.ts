// What tells the flows between two addresses apart: ports, or the identifier of an echo.
import { readU16 } from "./bytes.ts";
import { ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST } from "./icmp.ts";
import { ipv4HeaderLength, ipv4Protocol, ipv4TotalLength, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "./ipv4.ts";

export interface FlowPorts {
  readonly source: number;
  readonly destination: number;
}

/**
 * Of a packet that checkIpv4 accepted. An echo has its identifier as both. Undefined for other ICMP, other protocols
 * and transport headers that are cut off before the ports end.
 */
export function flowPorts(bytes: Uint8Array, offset = 0): FlowPorts | undefined {
  const transport = offset + ipv4HeaderLength(bytes, offset);
  const available = offset + ipv4TotalLength(bytes, offset) - transport;
  const protocol = ipv4Protocol(bytes, offset);
  if (protocol === PROTOCOL_UDP || protocol === PROTOCOL_TCP) {
    if (available < 4) return undefined;
    return { source: readU16(bytes, transport), destination: readU16(bytes, transport + 2) };
  }
  if (protocol !== PROTOCOL_ICMP || available < 8) return undefined;
  const type = bytes[transport];
  if (type !== ICMP_ECHO_REQUEST && type !== ICMP_ECHO_REPLY) return undefined;
  const identifier = readU16(bytes, transport + 4);
  return { source: identifier, destination: identifier };
}
