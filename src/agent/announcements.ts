// A relay that was restarted learns an agent's inner address from its first packet, and drops what services send to it
// until then: a program that only waits for data would wait for ever. So after a reconnection every service is sent an
// echo request from every address of ours, again and again until anything comes back from there.
import { Deadlines } from "../core/deadlines.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import { encodeEchoRequest, ICMP_ECHO_REPLY, icmpIdentifier, icmpType } from "../wire/icmp.ts";
import { ipv4Destination, ipv4Protocol, ipv4Source, PROTOCOL_ICMP } from "../wire/ipv4.ts";
import type { Route } from "./routes.ts";

export interface Announcement {
  readonly route: Route;
  /** A whole inner packet. */
  readonly packet: Uint8Array;
}

interface Pending {
  readonly route: Route;
  readonly address: Ipv4;
  attempts: number;
}

export class Announcements {
  private readonly addresses: readonly Ipv4[];
  private readonly identifier: number;
  private readonly pending: Pending[] = [];
  private readonly deadlines = new Deadlines<Pending>();

  /** `identifier`: 16 bits by which an answer is told from one to a program. */
  constructor(addresses: readonly Ipv4[], identifier: number) {
    this.addresses = addresses;
    this.identifier = identifier;
  }

  /** The relay knows the service again, and nothing else. */
  begin(route: Route, now: Millis): void {
    this.end((pending) => pending.route === route);
    for (const address of this.addresses) {
      const pending = { route, address, attempts: 0 };
      this.pending.push(pending);
      this.deadlines.set(pending, now);
    }
  }

  /** A checked packet came from a service. Returns whether it is an answer to an announcement, and nobody else's. */
  heard(packet: Uint8Array): boolean {
    if (this.pending.length > 0) {
      const [source, destination] = [ipv4Source(packet), ipv4Destination(packet)];
      this.end(({ route, address }) => route.virtualIp === source && address === destination);
    }
    if (ipv4Protocol(packet) !== PROTOCOL_ICMP || packet.length < LEAST_ECHO_LENGTH) return false;
    return icmpType(packet) === ICMP_ECHO_REPLY && icmpIdentifier(packet) === this.identifier;
  }

  /** What is to be said now. Call until undefined. */
  take(now: Millis): Announcement | undefined {
    const due = this.deadlines.takeExpired(now);
    if (due === undefined) return undefined;
    const delay = DELAYS_MS[due.attempts];
    due.attempts += 1;
    if (delay === undefined) this.end((pending) => pending === due);
    else this.deadlines.set(due, now + delay);
    const { route, address: source } = due;
    const echo = { source, destination: route.virtualIp, identifier: this.identifier, sequence: due.attempts };
    return { route, packet: encodeEchoRequest({ ...echo, payload: NOTHING }) };
  }

  deadline(): Millis | undefined {
    return this.deadlines.next();
  }

  private end(matches: (pending: Pending) => boolean): void {
    for (let at = this.pending.length - 1; at >= 0; at--) {
      const pending = this.pending[at] as Pending;
      if (!matches(pending)) continue;
      this.deadlines.clear(pending);
      this.pending.splice(at, 1);
    }
  }
}

/** After the first: the connector may come back later than we. */
const DELAYS_MS = [250, 750, 2000, 5000];
const LEAST_ECHO_LENGTH = 28;
const NOTHING = new Uint8Array(0);
