// Helps tests with inner packets: is the transport header sound, and damage that gets past the first check.
import { checkIcmp } from "../../src/wire/icmp.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.ts";
import { checkTcp } from "../../src/wire/tcp.ts";
import { checkUdp } from "../../src/wire/udp.ts";
import { withFreshChecksums } from "./checksums.ts";

/** What the check of the packet's protocol says. */
export function transportFault(packet: Uint8Array): string | undefined {
  const protocol = ipv4Protocol(packet);
  if (protocol === PROTOCOL_UDP) return checkUdp(packet);
  if (protocol === PROTOCOL_TCP) return checkTcp(packet);
  return protocol === PROTOCOL_ICMP ? checkIcmp(packet) : undefined;
}

/** Of a UDP packet without IPv4 options. */
export function hasUdpChecksum(packet: Uint8Array): boolean {
  return packet[26] !== 0 || packet[27] !== 0;
}

/** Repairs version, lengths, fragmentation and header checksum, so that damage reaches the code behind checkIpv4. */
export function withFreshHeader(bytes: Uint8Array): Uint8Array | undefined {
  const packet = bytes.slice();
  if (packet.length < 20) return undefined;
  if (packet[0]! >> 4 !== 4 || (packet[0]! & 15) < 5 || (packet[0]! & 15) * 4 > packet.length) packet[0] = 0x45;
  packet[2] = packet.length >> 8;
  packet[3] = packet.length;
  packet[6]! &= 0xc0;
  packet[7] = 0;
  const fresh = withFreshChecksums(packet);
  packet[10] = fresh[10]!;
  packet[11] = fresh[11]!;
  return checkIpv4(packet) === undefined ? packet : undefined;
}
