// What the relay must do with a packet, said as plainly as possible: lists, walks over everybody, no cleverness. It knows
// pool and replace, peers with certificates, and agents whose identities are all different.
import type { Millis } from "../../src/core/machine.ts";
import type { DropReason } from "../../src/relay/stats.ts";
import type { PeerId } from "../../src/tunnel/peer.ts";

interface ModelPeer {
  readonly id: PeerId;
  readonly identity: string;
  limit: number;
  full: boolean;
  readonly agentOf: Set<string>;
  /** When it was first sent something, or asked, since it was last heard. */
  sentAt: Millis | undefined;
  askedAt: Millis | undefined;
  silent: boolean;
  /** Where its packets for each service went last. */
  readonly wentTo: Map<string, PeerId>;
  /** For each of its sources: where the packets of its identity's former connection went. */
  readonly formerly: Map<number, ReadonlyMap<string, PeerId>>;
}

export type Outcome = { readonly to: PeerId } | { readonly dropped: DropReason };

export class RelayModel {
  readonly peers = new Map<PeerId, ModelPeer>();
  /** Connector registrations, oldest first. */
  private registrations: { readonly peer: PeerId; readonly service: string }[] = [];
  /** Who last sent from which address. */
  private readonly senders = new Map<number, PeerId>();
  /** What is remembered of connections that ended. */
  private readonly kept = new Map<string, { readonly wentTo: ReadonlyMap<string, PeerId>; readonly since: Millis }>();
  private readonly takeover: "pool" | "replace";

  constructor(takeover: "pool" | "replace") {
    this.takeover = takeover;
  }

  connect(id: PeerId, identity: string): void {
    const nothing = { full: false, sentAt: undefined, askedAt: undefined, silent: false };
    this.peers.set(id, {
      id,
      identity,
      limit: 1306,
      ...nothing,
      agentOf: new Set(),
      wentTo: new Map(),
      formerly: new Map(),
    });
  }

  disconnect(id: PeerId, now: Millis): void {
    const peer = this.peers.get(id);
    for (const source of peer?.formerly.keys() ?? []) {
      this.kept.set(`${peer!.identity} ${source}`, { wentTo: peer!.wentTo, since: now });
    }
    this.peers.delete(id);
    this.registrations = this.registrations.filter(({ peer }) => peer !== id);
  }

  /** Time has come this far; what happens at `now` itself may still be undone by an answer that arrives first. */
  passed(now: Millis, inclusive: boolean): void {
    const isOver = (since: Millis | undefined, ms: Millis) =>
      since !== undefined && (inclusive ? since + ms <= now : since + ms < now);
    for (const peer of this.peers.values()) {
      if (isOver(peer.sentAt, 3000) || isOver(peer.askedAt, 1000)) peer.silent = true;
      if (peer.silent) peer.askedAt = undefined;
    }
  }

  heard(id: PeerId): void {
    const peer = this.peers.get(id);
    if (peer !== undefined) Object.assign(peer, { sentAt: undefined, askedAt: undefined, silent: false });
  }

  registerAgent(id: PeerId, service: string): void {
    this.heard(id);
    this.peers.get(id)?.agentOf.add(service);
  }

  registerConnector(id: PeerId, service: string, now: Millis): void {
    this.heard(id);
    const identity = this.peers.get(id)?.identity;
    if (identity === undefined || this.serves(id, service)) return;
    for (const other of this.connectorsOf(service)) {
      if (this.takeover === "pool" && other.identity === identity && !other.silent) other.askedAt ??= now;
    }
    this.registrations.push({ peer: id, service });
  }

  /** A routed packet of `length` bytes. */
  routed(id: PeerId, service: string, source: number, length: number, now: Millis): Outcome {
    this.heard(id);
    const agent = this.peers.get(id);
    if (agent === undefined) return { dropped: "unknown-peer" };
    if (!agent.agentOf.has(service)) return { dropped: "not-registered" };
    const usable = this.usable(service);
    const newest = usable.at(-1);
    if (newest === undefined) return { dropped: "no-connector" };
    if (!agent.formerly.has(source)) {
      const kept = this.kept.get(`${agent.identity} ${source}`);
      agent.formerly.set(source, kept !== undefined && now - kept.since < 300_000 ? kept.wentTo : new Map());
    }
    const before = [agent.wentTo.get(service), agent.formerly.get(source)?.get(service)];
    const connector = before.map((peer) => usable.find((each) => each.id === peer)).find(Boolean) ?? newest;
    agent.wentTo.set(service, connector.id);
    return this.pass(connector, length, now);
  }

  sentFrom(address: number, agent: PeerId): void {
    this.senders.set(address, agent);
  }

  /** A packet of a connector to an address that some agent had. */
  reply(id: PeerId, address: number, length: number, now: Millis): Outcome {
    this.heard(id);
    if (!this.peers.has(id)) return { dropped: "unknown-peer" };
    if (!this.registrations.some(({ peer }) => peer === id)) return { dropped: "no-role" };
    const agent = this.peers.get(this.senders.get(address) ?? -1);
    if (agent === undefined) return { dropped: "unknown-destination" };
    const vouches = [...agent.agentOf].some((service) => this.usable(service).some((each) => each.id === id));
    return vouches ? this.pass(agent, length, now) : { dropped: "not-served" };
  }

  private pass(to: ModelPeer, length: number, now: Millis): Outcome {
    if (length > to.limit) return { dropped: "too-large" };
    if (to.full) return { dropped: "queue-full" };
    to.sentAt ??= now;
    return { to: to.id };
  }

  private serves(id: PeerId, service: string): boolean {
    return this.registrations.some((each) => each.peer === id && each.service === service);
  }

  private connectorsOf(service: string): ModelPeer[] {
    const ids = this.registrations.filter((each) => each.service === service).map(({ peer }) => peer);
    return ids.map((id) => this.peers.get(id)).filter((peer) => peer !== undefined);
  }

  private usable(service: string): ModelPeer[] {
    const living = this.connectorsOf(service).filter((peer) => !peer.silent);
    return this.takeover === "pool" ? living : living.slice(-1);
  }
}
