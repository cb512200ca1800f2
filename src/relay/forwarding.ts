// The data path: every datagram that is no registration is relayed or dropped for one reason, and counted as one of both.
// Nothing here makes strings or walks peers; the packet is rewritten in place and passed on as a view.
import type { Millis } from "../core/machine.ts";
import { Tails } from "../core/views.ts";
import type { PeerId } from "../tunnel/peer.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { clampMss } from "../wire/tcp.ts";
import { ROUTED_PACKET, routedInnerStart } from "../wire/tunnel.ts";
import { rewriteToAgent, rewriteToConnector } from "./address-rewriting.ts";
import type { AgentAddress, AgentAddresses } from "./agent-addresses.ts";
import type { Answers } from "./answers.ts";
import { addressForFlow } from "./interim-flows.ts";
import type { Outputs } from "./outputs.ts";
import type { Presence } from "./presence.ts";
import type { Registry, Service, Serving, Use } from "./registry.ts";
import type { Session } from "./session.ts";
import type { DropReason, Hop, RelayStats } from "./stats.ts";

export interface ForwardingParts {
  readonly registry: Registry;
  readonly addresses: AgentAddresses;
  readonly presence: Presence;
  readonly answers: Answers;
  readonly outputs: Outputs;
  readonly stats: RelayStats;
  /** How many datagrams the connection of a peer still takes. */
  readonly room: (peer: PeerId) => number;
}

export class Forwarding {
  private readonly parts: ForwardingParts;
  private readonly tails = new Tails();
  /** Length of the packet that was just relayed. */
  private relayedBytes = 0;

  constructor(parts: ForwardingParts) {
    this.parts = parts;
  }

  datagram(session: Session, bytes: Uint8Array, now: Millis): void {
    const hop = this.hopOf(session, bytes);
    this.count(hop, bytes, this.relay(session, hop, bytes, now));
  }

  /** A datagram that is not to be relayed at all. */
  drop(session: Session | undefined, bytes: Uint8Array, reason: DropReason): void {
    this.count(session === undefined ? "unregistered" : this.hopOf(session, bytes), bytes, reason);
  }

  private count(hop: Hop, bytes: Uint8Array, fault: DropReason | undefined): void {
    const stats = this.parts.stats.hops[hop];
    stats.received += 1;
    stats.receivedBytes += bytes.length;
    if (fault !== undefined) {
      stats.dropped[fault] += 1;
      return;
    }
    stats.relayed += 1;
    stats.relayedBytes += this.relayedBytes;
  }

  /** A peer in both roles sends as connector what goes to an agent, and everything else as agent. */
  private hopOf(session: Session, bytes: Uint8Array): Hop {
    if (session.servings.length === 0) return session.uses.length === 0 ? "unregistered" : "agent";
    if (session.uses.length === 0) return "connector";
    if (bytes[0] === ROUTED_PACKET || bytes.length < 20) return "agent";
    return this.parts.addresses.at(ipv4Destination(bytes))?.owner === undefined ? "agent" : "connector";
  }

  private relay(session: Session, hop: Hop, bytes: Uint8Array, now: Millis): DropReason | undefined {
    if (bytes.length === 0) return "empty";
    if (bytes[0] === ROUTED_PACKET) return this.routed(session, bytes, now);
    const fault = checkIpv4(bytes);
    if (fault !== undefined) return fault;
    switch (hop) {
      case "connector":
        return this.toAgent(session, bytes, now);
      case "agent":
        return this.raw(session, bytes, now);
      case "unregistered":
        return "no-role";
    }
  }

  private routed(session: Session, bytes: Uint8Array, now: Millis): DropReason | undefined {
    const start = routedInnerStart(bytes);
    if (start < 0) return "malformed-routed";
    const use = session.useNamedIn(bytes);
    if (use === undefined) return "not-registered";
    return checkIpv4(bytes, start) ?? this.toConnector(session, use, bytes, start, now);
  }

  /** Without a wrapper the destination must tell the service, or there must be no choice. */
  private raw(session: Session, bytes: Uint8Array, now: Millis): DropReason | undefined {
    const only = session.uses.length === 1 ? session.uses[0] : session.useAt(ipv4Destination(bytes));
    if (only !== undefined) return this.toConnector(session, only, bytes, 0, now);
    const served = session.uses.filter((use) => use.service.newest !== undefined);
    if (served.length > 1) return "ambiguous-service";
    if (served[0] !== undefined) return this.toConnector(session, served[0], bytes, 0, now);
    this.parts.answers.unserved(session, bytes, now);
    return "no-connector";
  }

  /** `bytes` from `start` is a checked packet from an agent of the service. */
  private toConnector(session: Session, use: Use, bytes: Uint8Array, start: number, now: Millis) {
    const { registry, addresses, answers, presence, outputs, room } = this.parts;
    // Also where nobody serves it now: a connector may come back with something to say to this agent.
    const current = addresses.ofSource(session, ipv4Source(bytes, start), now);
    if (use.service.newest === undefined) {
      answers.unserved(session, bytes.subarray(start), now);
      return "no-connector";
    }
    if (typeof current === "string") return current;
    const source = addressForFlow(current, bytes, start);
    if (source === "address-contested") return source;
    const former = source === current ? undefined : registry.formerConnector(use, source.bindings);
    const serving = former ?? registry.connectorFor(use, current.bindings);
    if (serving === undefined) return "no-connector";
    const connector = serving.session;
    const packet = start === 0 ? bytes : this.tails.of(bytes, start);
    if (packet.length > connector.maxDatagram) {
      answers.tooLarge(session, packet, connector.maxDatagram, now);
      return "too-large";
    }
    if (room(connector.peer) < 1) return "queue-full";
    this.clamp(packet, Math.min(session.maxDatagram, connector.maxDatagram));
    session.rememberDestination(ipv4Destination(packet), use);
    source.usedAt = now;
    rewriteToConnector(packet, 0, source);
    outputs.forward(connector.peer, packet);
    presence.sent(connector, now);
    use.service.datagramsToConnectors += 1;
    this.relayedBytes = packet.length;
    return undefined;
  }

  /** `bytes` is a checked packet from a connector. Its destination is the agent. */
  private toAgent(connector: Session, bytes: Uint8Array, now: Millis): DropReason | undefined {
    const { addresses, answers, presence, outputs, room } = this.parts;
    const destination = addresses.at(ipv4Destination(bytes));
    const agent = destination?.owner;
    if (destination === undefined || agent === undefined) return "unknown-destination";
    const serving = this.vouching(connector, destination, agent);
    if (serving === undefined) return "not-served";
    if (bytes.length > agent.maxDatagram) {
      answers.tooLarge(connector, bytes, agent.maxDatagram, now);
      return "too-large";
    }
    if (room(agent.peer) < 1) return "queue-full";
    this.clamp(bytes, Math.min(agent.maxDatagramFromPeer - wrapperLength(serving.service), connector.maxDatagram));
    rewriteToAgent(bytes, destination);
    outputs.forward(agent.peer, bytes);
    presence.sent(agent, now);
    destination.usedAt = now;
    serving.service.datagramsToAgents += 1;
    this.relayedBytes = bytes.length;
    return undefined;
  }

  private vouching(connector: Session, destination: AgentAddress, agent: Session): Serving | undefined {
    const last = destination.voucher;
    if (last !== undefined && last.session === connector && last.usable) return last;
    destination.voucher = this.parts.registry.vouching(connector, agent);
    return destination.voucher;
  }

  /** TCP then sends no segment that one of the two hops would refuse. */
  private clamp(packet: Uint8Array, largestPacket: number): void {
    if (clampMss(packet, 0, Math.max(MIN_MSS, largestPacket - TCP_AND_IPV4_HEADERS))) {
      this.parts.stats.segmentsClamped += 1;
    }
  }
}

/** What an agent puts before each packet for the service. */
function wrapperLength(service: Service): number {
  return 2 + service.id.length;
}

const TCP_AND_IPV4_HEADERS = 40;
const MIN_MSS = 64;
