// What an agent counts. For each hop, at all times: received = forwarded + Σ dropped + what waits (at most one read of
// the TUN device), and for the relay also + control. Packets are inner packets: a large read counts as what it is cut into.

import type { Ipv4Fault } from "../wire/ipv4.ts";
import type { SegmentFault } from "../wire/segments.ts";

/** Why a packet of this host went no further. */
export type OutboundDrop =
  | Exclude<Ipv4Fault, "not-ipv4">
  | SegmentFault
  | "ipv6"
  | "not-ipv4" // neither version
  | "overrun" // the device was read before its last read had left
  | "foreign-source" // not from the address of the device: an answer could not be delivered
  | "no-route" // to no service of ours
  | "not-connected" // the relay is away
  | "not-registered" // the relay has not answered yet
  | "denied" // the relay refused the service
  | "too-large"
  | "opening-pace"; // a connection that has to wait its turn: its SYN is kept, and goes out as one more packet

/** Why a datagram of the relay was not delivered. */
export type InboundDrop =
  | Ipv4Fault
  | "stale-connection" // of a connection that has been given up
  | "unexpected" // neither an inner packet nor a message that a relay sends to an agent
  | "foreign-source" // not from a service of ours
  | "foreign-destination" // not to an address of ours
  | "hurried-refusal" // of a connection that was opened in a hurry: it is opened again
  | "unsolicited" // no program of this host asked for it
  | "no-flow"; // to the address of local flows, but for none of them

export type AnswerKind = "fragmentation-needed" | "unreachable";

export class HopStats<Reason extends string> {
  received = 0;
  receivedBytes = 0;
  forwarded = 0;
  forwardedBytes = 0;
  readonly dropped: Partial<Record<Reason, number>> = {};

  drop(reason: Reason, packets = 1): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + packets;
  }

  forward(bytes: number): void {
    this.forwarded += 1;
    this.forwardedBytes += bytes;
  }

  receive(bytes: number, packets = 1): void {
    this.received += packets;
    this.receivedBytes += bytes;
  }
}

export class AgentStats {
  readonly hops = {
    tun: new HopStats<OutboundDrop>(),
    local: new HopStats<OutboundDrop>(),
    relay: new HopStats<InboundDrop>(),
  };
  /** Datagrams of the relay about the connection itself. */
  control = 0;
  /** What the agent told programs of this host by itself. */
  readonly answers: Record<AnswerKind, number> = { "fragmentation-needed": 0, unreachable: 0 };
  /** Answers that were not given, because there were too many. */
  answersSuppressed = 0;
  /** Packets of our own that told the relay, after a reconnection, where we are. */
  announcements = 0;
}
