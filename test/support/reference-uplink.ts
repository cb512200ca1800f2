// The client half of the reference's connector and agent, as the protocol describes it: one connection at a time, each
// registration sent at most three times in four seconds, a ping every ten, a new connection one second after the end of
// the last. It never gives a reason, and never looks for one.
import type { Millis } from "../../src/core/machine.ts";
import type { Role } from "../../src/identity/grant.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { encodeRegistration, parseTunnelDatagram } from "../../src/wire/tunnel.ts";

export type ReferenceRegistration = "pending" | "registered" | "denied" | "given-up";

export interface ReferenceUplinkOptions {
  readonly role: Role;
  readonly services: readonly string[];
  /** What its QUIC library lets it send, in bytes; default: what the connection says. */
  readonly largestDatagram?: number;
}

interface Attempt {
  state: ReferenceRegistration;
  sends: number;
  sentAt: Millis;
}

export class ReferenceUplink {
  /** Datagrams that the library refused because of their size. Nobody is told. */
  tooLarge = 0;
  private readonly options: ReferenceUplinkOptions;
  private readonly out: (PeerCommand | Dial)[] = [];
  private readonly attempts = new Map<string, Attempt>();
  private peer: PeerId | undefined;
  private limit = 0;
  private dials = 0;
  private dialAt: Millis | undefined = 0;
  private pingAt: Millis | undefined;

  constructor(options: ReferenceUplinkOptions) {
    this.options = options;
  }

  registration(service: string): ReferenceRegistration | undefined {
    return this.attempts.get(service)?.state;
  }

  handle(
    event: Exclude<PeerEvent, { type: "datagram" }> | DialEvent | { readonly type: "timeout" },
    now: Millis,
  ): void {
    if (event.type === "connected") this.connected(event.peer, event.maxDatagram, now);
    else if (event.type === "disconnected" || event.type === "dial-failed") this.disconnected(now);
    else if (event.type === "timeout") this.timeout(now);
  }

  /** Returns a datagram that is not for the uplink itself. */
  receive(bytes: Uint8Array): Uint8Array | undefined {
    const message = parseTunnelDatagram(bytes);
    if (message.type === "ack" || message.type === "nack") {
      const attempt = this.attempts.get(message.service);
      if (attempt !== undefined) attempt.state = message.type === "ack" ? "registered" : "denied";
      return undefined;
    }
    return message.type === "observed-address" || message.type === "empty" ? undefined : bytes;
  }

  send(bytes: Uint8Array): void {
    if (this.peer === undefined) return;
    if (bytes.length > this.limit) this.tooLarge++;
    else this.out.push({ type: "send", peer: this.peer, bytes });
  }

  poll(): PeerCommand | Dial | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    const times = [this.dialAt, this.pingAt];
    for (const { state, sentAt } of this.attempts.values()) if (state === "pending") times.push(sentAt + RETRY_MS);
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  private connected(peer: PeerId, maxDatagram: number, now: Millis): void {
    this.peer = peer;
    this.dialAt = undefined;
    this.limit = this.options.largestDatagram ?? maxDatagram;
    this.pingAt = now + PING_MS;
    for (const service of this.options.services) {
      this.attempts.set(service, { state: "pending", sends: 1, sentAt: now });
      this.send(encodeRegistration(this.options.role, service));
    }
  }

  private disconnected(now: Millis): void {
    this.peer = undefined;
    this.pingAt = undefined;
    this.attempts.clear();
    this.dialAt = now + RECONNECT_MS;
  }

  private timeout(now: Millis): void {
    if (this.dialAt !== undefined && now >= this.dialAt) {
      this.dialAt = undefined;
      this.out.push({ type: "dial", dial: ++this.dials });
    }
    if (this.peer === undefined) return;
    if (this.pingAt !== undefined && now >= this.pingAt) {
      this.pingAt = now + PING_MS;
      this.out.push({ type: "ping", peer: this.peer });
    }
    for (const [service, attempt] of this.attempts) this.retry(service, attempt, now);
  }

  private retry(service: string, attempt: Attempt, now: Millis): void {
    if (attempt.state !== "pending" || now < attempt.sentAt + RETRY_MS) return;
    attempt.sentAt = now;
    if (attempt.sends === MAX_SENDS) attempt.state = "given-up";
    else {
      attempt.sends++;
      this.send(encodeRegistration(this.options.role, service));
    }
  }
}

const RETRY_MS = 2000;
const MAX_SENDS = 3;
const PING_MS = 10_000;
const RECONNECT_MS = 1000;
