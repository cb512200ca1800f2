// An agent for simulations: an uplink that sends UDP for its services and keeps what comes back.
import type { Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { DialEvent, PeerEvent } from "../../src/tunnel/peer.ts";
import { Uplink, type UplinkOutput } from "../../src/tunnel/uplink.ts";
import type { Ipv4 } from "../../src/wire/address.ts";
import { checkIcmp } from "../../src/wire/icmp.ts";
import {
  checkIpv4,
  ipv4Destination,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_UDP,
  quotedIpv4Start,
} from "../../src/wire/ipv4.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import {
  checkUdp,
  encodeUdp,
  udpDestinationPort,
  udpPayloadEnd,
  udpPayloadStart,
  udpSourcePort,
} from "../../src/wire/udp.ts";

export interface Reply {
  readonly at: Millis;
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly payload: string;
}

export class SimulatedAgent {
  readonly uplink: Uplink;
  readonly replies: Reply[] = [];
  /** ICMP errors: nobody serves what was asked for. */
  unreachable = 0;
  /** Inner packets that are neither that nor sound UDP. */
  strange = 0;
  private dials = 0;

  constructor(services: readonly string[], random: () => number) {
    this.uplink = new Uplink({ role: "agent", services, nextDial: () => ++this.dials, random });
  }

  /** False: there is no connection to send it on. Every simulated agent has the same inner address. */
  sendUdp(service: string, to: { address: Ipv4; port: number }, payload: string, now: Millis): boolean {
    const inner = encodeUdp({
      source: AGENT_ADDRESS,
      sourcePort: AGENT_PORT,
      destination: to.address,
      destinationPort: to.port,
      payload: new TextEncoder().encode(payload),
    });
    return this.uplink.send(encodeRouted(service, inner), now) === "sent";
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    if (input.type !== "datagram") this.uplink.handle(input, now);
    else if (input.peer === this.uplink.peer) this.receive(input.bytes, now);
  }

  poll(): UplinkOutput | undefined {
    return this.uplink.poll();
  }

  deadline(): Millis | undefined {
    return this.uplink.deadline();
  }

  private receive(bytes: Uint8Array, now: Millis): void {
    const inner = this.uplink.receive(bytes, now);
    if (inner === undefined) return;
    const isWhole = checkIpv4(inner) === undefined;
    if (isWhole && ipv4Protocol(inner) === PROTOCOL_UDP && checkUdp(inner) === undefined) this.keep(inner, now);
    else if (isWhole && quotedIpv4Start(inner) >= 0 && checkIcmp(inner) === undefined) this.unreachable += 1;
    else this.strange += 1;
  }

  private keep(inner: Uint8Array, now: Millis): void {
    this.replies.push({
      at: now,
      source: ipv4Source(inner),
      sourcePort: udpSourcePort(inner),
      destination: ipv4Destination(inner),
      destinationPort: udpDestinationPort(inner),
      payload: new TextDecoder().decode(inner.subarray(udpPayloadStart(inner), udpPayloadEnd(inner))),
    });
  }
}

export const AGENT_ADDRESS = 0x6440_0001;
export const AGENT_PORT = 40_000;
