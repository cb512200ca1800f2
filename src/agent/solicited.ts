// Only answers come in: a service, or whoever stands in for it, cannot open connections to this host. TCP from a service
// must not begin one, UDP must belong to a flow that a program of this host began, ICMP must not ask for anything.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import { readU16 } from "../wire/bytes.ts";
import { ICMP_ECHO_REPLY, icmpType } from "../wire/icmp.ts";
import {
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIcmpError,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ipv4.ts";
import { TCP_ACK, TCP_SYN, tcpFlags } from "../wire/tcp.ts";

export class Solicited {
  /** UDP flows that programs began, by their ports: one table for each service's address. */
  private readonly flows = new Map<Ipv4, ExpiringMap<number, true>>();

  /** A checked packet of a program, at `offset`, to a service. */
  sent(bytes: Uint8Array, offset: number, destination: Ipv4, now: Millis): void {
    if (ipv4Protocol(bytes, offset) !== PROTOCOL_UDP) return;
    const transport = offset + ipv4HeaderLength(bytes, offset);
    if (offset + ipv4TotalLength(bytes, offset) < transport + PORTS_LENGTH) return;
    const key = keyOf(readU16(bytes, transport), readU16(bytes, transport + 2));
    let flows = this.flows.get(destination);
    if (flows === undefined) {
      flows = new ExpiringMap({ limit: MAX_FLOWS, idleMs: FLOW_IDLE_MS });
      this.flows.set(destination, flows);
    }
    if (flows.set(key, true, now)) return;
    // A program that opens flows without end loses its oldest, not its newest.
    const oldest = flows.oldest();
    if (oldest !== undefined) flows.delete(oldest[0]);
    flows.set(key, true, now);
  }

  /** Whether a checked packet of a service may come in. */
  expects(packet: Uint8Array, now: Millis): boolean {
    const transport = ipv4HeaderLength(packet);
    const available = packet.length - transport;
    switch (ipv4Protocol(packet)) {
      case PROTOCOL_TCP:
        return available >= TCP_HEADER_LENGTH && (tcpFlags(packet) & (TCP_SYN | TCP_ACK)) !== TCP_SYN;
      case PROTOCOL_UDP:
        return available >= PORTS_LENGTH && this.expectsUdp(packet, transport, now);
      case PROTOCOL_ICMP:
        return available > 0 && (icmpType(packet) === ICMP_ECHO_REPLY || isIcmpError(icmpType(packet)));
      default:
        return false;
    }
  }

  private expectsUdp(packet: Uint8Array, transport: number, now: Millis): boolean {
    const flows = this.flows.get(ipv4Source(packet));
    if (flows === undefined) return false;
    while (flows.takeExpired(now) !== undefined);
    // What comes in keeps no flow open: only programs of this host do.
    return flows.peek(keyOf(readU16(packet, transport + 2), readU16(packet, transport))) !== undefined;
  }
}

function keyOf(ownPort: number, servicePort: number): number {
  return ownPort * 65_536 + servicePort;
}

const PORTS_LENGTH = 4;
const TCP_HEADER_LENGTH = 20;
/** For each service. */
const MAX_FLOWS = 8192;
/** RFC 4787 recommends five minutes. */
const FLOW_IDLE_MS = 300_000;
