// A host with an agent and its TUN device, for simulations: programs send UDP, and what comes back is kept.
import { Agent, type AgentOutput } from "../../src/agent/agent.ts";
import type { AgentService } from "../../src/agent/routes.ts";
import type { Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { formatIpv4, type Ipv4 } from "../../src/wire/address.ts";
import { checkIcmp } from "../../src/wire/icmp.ts";
import {
  checkIpv4,
  ipv4Destination,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_UDP,
  quotedIpv4Start,
} from "../../src/wire/ipv4.ts";
import { checkUdp, encodeUdp, udpPayloadEnd, udpPayloadStart, udpSourcePort } from "../../src/wire/udp.ts";
import { TUN_ADDRESS, tunRead } from "./agent-world.ts";

export interface HostReply {
  readonly at: Millis;
  readonly from: string;
  readonly payload: string;
}

export class SimulatedHost {
  readonly agent: Agent;
  readonly replies: HostReply[] = [];
  /** ICMP errors: nobody serves what was asked for. */
  unreachable = 0;
  /** Packets that are neither that nor sound UDP to this host. */
  strange = 0;
  private now: Millis = 0;

  constructor(services: readonly AgentService[], random: () => number) {
    this.agent = new Agent({ services, random, room: () => 1000, tunAddress: TUN_ADDRESS });
  }

  /** Every host has the same address and port. */
  sendUdp(destination: Ipv4, payload: string, now: Millis): void {
    const ends = { source: TUN_ADDRESS, sourcePort: 40_000, destination, destinationPort: 7 };
    const read = tunRead(encodeUdp({ ...ends, payload: new TextEncoder().encode(payload) }));
    this.now = now;
    this.agent.handle(read, now);
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    this.now = now;
    this.agent.handle(input, now);
  }

  poll(): PeerCommand | Dial | Notice | Fatal | undefined {
    for (let output = this.agent.poll(); output !== undefined; output = this.agent.poll()) {
      if (isForTheWorld(output)) return output;
      if (output.type === "tun-write") this.keep(output.bytes);
    }
    return undefined;
  }

  deadline(): Millis | undefined {
    return this.agent.deadline();
  }

  private keep(packet: Uint8Array): void {
    const isOurs = checkIpv4(packet) === undefined && ipv4Destination(packet) === TUN_ADDRESS;
    if (isOurs && quotedIpv4Start(packet) >= 0 && checkIcmp(packet) === undefined) {
      this.unreachable += 1;
      return;
    }
    if (!isOurs || ipv4Protocol(packet) !== PROTOCOL_UDP || checkUdp(packet) !== undefined) {
      this.strange += 1;
      return;
    }
    const payload = new TextDecoder().decode(packet.subarray(udpPayloadStart(packet), udpPayloadEnd(packet)));
    this.replies.push({ at: this.now, from: `${formatIpv4(ipv4Source(packet))}:${udpSourcePort(packet)}`, payload });
  }
}

/** What an agent says to its relay and its operator, not to its host. */
export function isForTheWorld(output: AgentOutput): output is PeerCommand | Dial | Notice | Fatal {
  return ["send", "ping", "close", "dial", "notice", "fatal"].includes(output.type);
}
