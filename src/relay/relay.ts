// The relay: agents' packets to the connectors of their services, and the answers back to the agent that asked.
// One switch over what happens to peers; the parts decide, and whatever they decide leaves through poll().
import { earlier, type Machine, type Millis, type Timeout } from "../core/machine.ts";
import type { PeerEvent, PeerId } from "../tunnel/peer.ts";
import { AGENT_REGISTRATION, CONNECTOR_REGISTRATION, encodeObservedAddress } from "../wire/tunnel.ts";
import { AgentAddresses } from "./agent-addresses.ts";
import { Answers } from "./answers.ts";
import { Forwarding } from "./forwarding.ts";
import { IdentityGroups } from "./identity-groups.ts";
import { Notices } from "./notices.ts";
import type { RelayOptions } from "./options.ts";
import { Outputs, type RelayOutput } from "./outputs.ts";
import { Presence } from "./presence.ts";
import { Registrar } from "./registrar.ts";
import { Registry } from "./registry.ts";
import { serviceSnapshots } from "./service-snapshots.ts";
import { Session } from "./session.ts";
import { RelayStats, type ServiceSnapshot } from "./stats.ts";

export class Relay implements Machine<PeerEvent, RelayOutput> {
  readonly stats = new RelayStats();
  private readonly outputs = new Outputs();
  private readonly sessions = new Map<PeerId, Session>();
  private readonly groups = new IdentityGroups();
  private readonly registry = new Registry();
  private readonly presence: Presence;
  private readonly addresses: AgentAddresses;
  private readonly registrar: Registrar;
  private readonly forwarding: Forwarding;
  private readonly room: (peer: PeerId) => number;
  private options: RelayOptions;

  /**
   * `room` is the endpoint's: how many datagrams a peer's connection still takes. The relay asks before each send, so
   * that what the endpoint would refuse is counted here, as a drop of the hop that it came from.
   */
  constructor(options: RelayOptions, room: (peer: PeerId) => number = () => Number.POSITIVE_INFINITY) {
    const { stats, outputs, registry, groups } = this;
    this.options = options;
    this.room = room;
    const notices = new Notices(outputs, stats);
    const presence = new Presence(outputs, stats, (session, now) => this.presenceChanged(session, now));
    const addresses = new AgentAddresses(options.limits, (holder, now) => presence.probe(holder, now));
    const answers = new Answers(outputs, stats, room);
    this.presence = presence;
    this.addresses = addresses;
    this.registrar = new Registrar(options, { registry, groups, presence, outputs, notices, stats });
    this.forwarding = new Forwarding({ registry, addresses, presence, answers, outputs, stats, room });
  }

  handle(input: PeerEvent | Timeout, now: Millis): void {
    switch (input.type) {
      case "datagram":
        return this.received(input.peer, input.bytes, now);
      case "connected":
        return this.connected(input, now);
      case "disconnected":
        return this.disconnected(input.peer, now);
      case "timeout":
        return this.expire(now);
    }
    const session = this.sessions.get(input.peer);
    if (session === undefined) return;
    switch (input.type) {
      case "heard":
        return this.presence.heard(session, now);
      case "datagram-limit":
        session.maxDatagram = input.maxDatagram;
        return;
      case "moved":
        session.address = input.address;
        return this.sendObservedAddress(session);
      case "writable":
        if (session.owesAddress) this.sendObservedAddress(session);
        return;
      case "dial-failed":
        return; // the relay dials nobody
    }
  }

  poll(): RelayOutput | undefined {
    return this.outputs.shift();
  }

  deadline(): Millis | undefined {
    return earlier(this.presence.deadline(), earlier(this.addresses.deadline(), this.registrar.deadline()));
  }

  /** New options for what happens from now on; what is registered stays. */
  reload(options: RelayOptions, now: Millis): void {
    this.options = options;
    this.registrar.options = options;
    this.addresses.limits = options.limits;
    for (const session of this.sessions.values()) session.limit(options.limits, now);
  }

  /** At most `limit` services, for metrics and status. */
  services(limit = 1000): ServiceSnapshot[] {
    return serviceSnapshots(this.registry, this.registrar.deniedByService(), limit);
  }

  /** Connections by what they are registered as: one may be both, or nothing yet. */
  roles(): { readonly agents: number; readonly connectors: number } {
    let agents = 0;
    let connectors = 0;
    for (const { uses, servings } of this.sessions.values()) {
      if (uses.length > 0) agents++;
      if (servings.length > 0) connectors++;
    }
    return { agents, connectors };
  }

  private connected(event: PeerEvent & { type: "connected" }, now: Millis): void {
    this.disconnected(event.peer, now);
    const session = new Session(event, this.options.limits, now);
    this.sessions.set(event.peer, session);
    this.groups.add(session);
    this.sendObservedAddress(session);
  }

  private received(peer: PeerId, bytes: Uint8Array, now: Millis): void {
    this.stats.datagramsReceived += 1;
    const session = this.sessions.get(peer);
    if (session === undefined) return this.forwarding.drop(undefined, bytes, "unknown-peer");
    this.presence.heard(session, now);
    if (!withinRates(session, bytes, now)) return this.forwarding.drop(session, bytes, "rate-limited");
    const type = bytes[0];
    if (type === AGENT_REGISTRATION || type === CONNECTOR_REGISTRATION) this.registrar.register(session, bytes, now);
    else this.forwarding.datagram(session, bytes, now);
  }

  private disconnected(peer: PeerId, now: Millis): void {
    const session = this.sessions.get(peer);
    if (session === undefined) return;
    this.sessions.delete(peer);
    session.connected = false;
    this.presence.forget(session);
    this.addresses.release(session, now);
    this.registrar.disconnected(session, now);
  }

  /** It fell silent, or was heard again. */
  private presenceChanged(session: Session, now: Millis): void {
    if (session.silent) this.addresses.silenced(session);
    this.registrar.presenceChanged(session, now);
  }

  private expire(now: Millis): void {
    this.presence.expire(now);
    this.addresses.expire(now);
    this.registrar.expire(now);
  }

  /** There is no form for IPv6: such a peer is told nothing. */
  private sendObservedAddress(session: Session): void {
    const { ipv4, port } = session.address;
    if (ipv4 === undefined) return;
    session.owesAddress = this.room(session.peer) < 1;
    if (!session.owesAddress) this.outputs.send(session.peer, encodeObservedAddress(ipv4, port));
  }
}

function withinRates(session: Session, bytes: Uint8Array, now: Millis): boolean {
  if (session.datagramRate !== undefined && !session.datagramRate.allow(now)) return false;
  return session.byteRate === undefined || session.byteRate.allow(now, bytes.length);
}
