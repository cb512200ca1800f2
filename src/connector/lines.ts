// The ways of a connector to its relay: one uplink for each service, because reference relays route back only one
// service per connection, and because a packet then reaches only backends of the service that it came in for.
import { Deadlines } from "../core/deadlines.ts";
import { type Millis, TIMEOUT } from "../core/machine.ts";
import type { DialEvent, PeerEvent, PeerId } from "../tunnel/peer.ts";
import type { RegistrationState } from "../tunnel/registrations.ts";
import { Uplink, type UplinkOutput, type UplinkState } from "../tunnel/uplink.ts";

export interface Line {
  readonly service: string;
  readonly uplink: Uplink;
  /** The connection that datagrams of this service come in on. */
  peer: PeerId | undefined;
}

export interface ServiceStatus {
  readonly service: string;
  readonly connection: UplinkState;
  readonly registration: RegistrationState;
  /** Why it is denied. */
  readonly reason: string | undefined;
  /** Largest inner packet that reaches an agent now; 0 while not connected. */
  readonly maxDatagram: number;
  readonly reconnections: number;
}

export interface LinesParts {
  readonly services: readonly string[];
  readonly random: () => number;
  readonly out: { push(output: UplinkOutput): void };
  /** Something may have changed about the line. */
  readonly settled: (line: Line, now: Millis) => void;
}

export class Lines {
  private readonly parts: LinesParts;
  private readonly byService = new Map<string, Line>();
  private readonly byPeer = new Map<PeerId, Line>();
  private readonly deadlines = new Deadlines<Line>();
  private dials = 0;

  constructor(parts: LinesParts) {
    this.parts = parts;
    for (const service of parts.services) {
      const uplink = new Uplink({
        role: "connector",
        services: [service],
        nextDial: () => ++this.dials,
        random: parts.random,
        mayGiveUp: () => !this.hadSuccess,
      });
      const line = { service, uplink, peer: undefined };
      this.byService.set(service, line);
      this.settle(line, 0);
    }
  }

  of(service: string): Line | undefined {
    return this.byService.get(service);
  }

  at(peer: PeerId): Line | undefined {
    return this.byPeer.get(peer);
  }

  /** Whatever is not a datagram, for the uplink that it is about. */
  handle(input: Exclude<PeerEvent, { type: "datagram" }> | DialEvent, now: Millis): void {
    const line =
      input.type === "dialing" || input.type === "unresolved"
        ? this.find((uplink) => uplink.expects(input.dial))
        : (this.byPeer.get(input.peer) ?? this.find((uplink) => uplink.owns(input.peer)));
    if (line !== undefined) {
      line.uplink.handle(input, now);
      this.settle(line, now);
    } else if (input.type === "dialing") {
      // Nobody waits for that attempt any more.
      const { peer } = input;
      this.parts.out.push({ type: "close", peer, layer: "application", code: 0, reason: "superseded" });
    }
  }

  timeout(now: Millis): void {
    const due: Line[] = [];
    for (let line = this.deadlines.takeExpired(now); line !== undefined; line = this.deadlines.takeExpired(now)) {
      due.push(line);
    }
    for (const line of due) {
      line.uplink.handle(TIMEOUT, now);
      this.settle(line, now);
    }
  }

  /** After anything was done to an uplink: its outputs, its connection and its deadline become the connector's. */
  settle(line: Line, now: Millis): void {
    const { uplink } = line;
    for (let output = uplink.poll(); output !== undefined; output = uplink.poll()) this.parts.out.push(output);
    if (line.peer !== uplink.peer) {
      if (line.peer !== undefined) this.byPeer.delete(line.peer);
      line.peer = uplink.peer;
      if (line.peer !== undefined) this.byPeer.set(line.peer, line);
    }
    const deadline = uplink.deadline();
    if (deadline === undefined) this.deadlines.clear(line);
    else this.deadlines.set(line, deadline);
    this.parts.settled(line, now);
  }

  deadline(): Millis | undefined {
    return this.deadlines.next();
  }

  stop(now: Millis): void {
    for (const line of this.byService.values()) {
      line.uplink.stop(now);
      this.settle(line, now);
    }
  }

  *status(): IterableIterator<ServiceStatus> {
    for (const { service, uplink } of this.byService.values()) {
      const { state, reason } = uplink.registration(service)!;
      const { maxDatagram } = uplink;
      const { reconnections } = uplink.stats;
      yield { service, connection: uplink.state, registration: state, reason, maxDatagram, reconnections };
    }
  }

  private find(matches: (uplink: Uplink) => boolean): Line | undefined {
    for (const line of this.byService.values()) {
      if (matches(line.uplink)) return line;
    }
    return undefined;
  }

  private get hadSuccess(): boolean {
    for (const { uplink } of this.byService.values()) {
      if (uplink.hadSuccess) return true;
    }
    return false;
  }
}
