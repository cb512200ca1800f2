// What the relay counts. For every hop `received = relayed + Σ dropped` holds at all times, and over all hops
// `datagramsReceived = registrationRequests + Σ received`. Datagrams that the relay makes itself are not among them.
import type { Ipv4Fault } from "../wire/ipv4.ts";

/** Where a datagram came from: what its sender is registered as when it arrives. */
export type Hop = "agent" | "connector" | "unregistered";

export type DropReason =
  | Ipv4Fault
  | "empty"
  | "malformed-routed" // a routed packet that is cut off within its service id
  | "not-registered" // a routed packet for a service that its sender is not an agent of
  | "no-role" // a raw packet from a peer that registered nothing
  | "unknown-peer" // a datagram of a connection that is gone
  | "no-connector" // nobody serves the service now
  | "ambiguous-service" // a raw packet of an agent of several services that are all served
  | "unknown-destination" // no agent has the inner destination address
  | "not-served" // its agent uses no service of this connector
  | "too-large" // for the next hop
  | "queue-full" // of the next hop
  | "rate-limited"
  | "address-contested" // TCP of an older connection of the identity, until it is known whether that one lives
  | "too-many-addresses" // of one agent connection
  | "addresses-exhausted"; // of all agents, or the part of them that one identity may use

export type RejectionReason =
  | "malformed"
  | "not-granted"
  | "no-ztna-name"
  | "held" // by a live connector of another identity, which is not to be displaced
  | "displaced" // by a newer connector: a repeat changes nothing
  | "rate"
  | "services-per-connection"
  | "registrations-per-identity"
  | "connectors-per-service"
  | "services";

export type AnswerKind = "reset" | "unreachable" | "fragmentation-needed";

export class HopStats {
  received = 0;
  receivedBytes = 0;
  relayed = 0;
  /** As sent to the destination, without the wrapper of routed packets. */
  relayedBytes = 0;
  readonly dropped: Record<DropReason, number> = { ...NO_DROPS };
}

export class RelayStats {
  /** All datagrams that peers sent, registrations included. */
  datagramsReceived = 0;
  readonly hops: Readonly<Record<Hop, HopStats>> = {
    agent: new HopStats(),
    connector: new HopStats(),
    unregistered: new HopStats(),
  };
  registrationRequests = 0;
  /** Accepted, repeats included. */
  registrations = 0;
  readonly rejected: Record<RejectionReason, number> = { ...NO_REJECTIONS };
  /** A newer connector took over from an older one, or agents that had none yet. */
  takeovers = 0;
  /** Resets and ICMP errors that the relay sent. */
  readonly answers: Record<AnswerKind, number> = { reset: 0, unreachable: 0, "fragmentation-needed": 0 };
  /** Answers not given because of their rate limit or a full queue. */
  answersSuppressed = 0;
  /** SYN segments whose maximum segment size was lowered. */
  segmentsClamped = 0;
  pings = 0;
  /** Verdicts that a connected peer is silent. */
  peersSilent = 0;
  noticesSuppressed = 0;
  /** Peer-to-peer signalling is not spoken. */
  readonly signalingSessions = 0;

  get datagramsRelayed(): number {
    return this.sum((hop) => hop.relayed);
  }

  get relayBytes(): number {
    return this.sum((hop) => hop.relayedBytes);
  }

  get registrationRejections(): number {
    return Object.values(this.rejected).reduce((total, count) => total + count, 0);
  }

  /** Over all hops. */
  get dropped(): Readonly<Record<DropReason, number>> {
    const total = { ...NO_DROPS };
    for (const reason of Object.keys(total) as DropReason[]) total[reason] = this.sum((hop) => hop.dropped[reason]);
    return total;
  }

  private sum(of: (hop: HopStats) => number): number {
    return of(this.hops.agent) + of(this.hops.connector) + of(this.hops.unregistered);
  }
}

/** One service as metrics show it. */
export interface ServiceSnapshot {
  readonly service: string;
  /** Connectors that receive traffic. */
  readonly connectors: number;
  /** Connectors that wait until a newer one leaves. */
  readonly displaced: number;
  /** Connectors that do not answer. */
  readonly silent: number;
  readonly agents: number;
  /** Registrations refused lately, in both roles. */
  readonly denied: number;
  readonly datagramsToConnectors: number;
  readonly datagramsToAgents: number;
}

const NO_DROPS: Readonly<Record<DropReason, number>> = {
  "not-ipv4": 0,
  short: 0,
  "bad-header-length": 0,
  "bad-total-length": 0,
  "bad-checksum": 0,
  fragment: 0,
  empty: 0,
  "malformed-routed": 0,
  "not-registered": 0,
  "no-role": 0,
  "unknown-peer": 0,
  "no-connector": 0,
  "ambiguous-service": 0,
  "unknown-destination": 0,
  "not-served": 0,
  "too-large": 0,
  "queue-full": 0,
  "rate-limited": 0,
  "address-contested": 0,
  "too-many-addresses": 0,
  "addresses-exhausted": 0,
};

const NO_REJECTIONS: Readonly<Record<RejectionReason, number>> = {
  malformed: 0,
  "not-granted": 0,
  "no-ztna-name": 0,
  held: 0,
  displaced: 0,
  rate: 0,
  "services-per-connection": 0,
  "registrations-per-identity": 0,
  "connectors-per-service": 0,
  services: 0,
};
