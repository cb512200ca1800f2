// The client half of a relay connection, the same in connector and agent: dial, register, notice a dead relay, come
// back. One uplink is one connection at a time; while it is suspected to be dead its replacement is already dialled.
import { earlier, type Machine, type Millis, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { Role } from "../identity/grant.ts";
import type { Ipv4 } from "../wire/address.ts";
import { encodeRegistration, parseTunnelDatagram } from "../wire/tunnel.ts";
import { Dialer } from "./dialer.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "./peer.ts";
import { closeReason, credentialFailure, type Refused } from "./refusal.ts";
import { type Registration, Registrations } from "./registrations.ts";
import { RelayConnection } from "./relay-connection.ts";

export interface UplinkOptions {
  readonly role: Role;
  /** Service ids of at most 255 bytes. A connector's uplink has one: reference relays route back only one. */
  readonly services: readonly string[];
  /** Numbers a dial attempt; unique in the process. */
  readonly nextDial: () => number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Whether a credential failure still ends the process: false once any uplink of it had success. */
  readonly mayGiveUp?: () => boolean;
}

export type UplinkInput = Exclude<PeerEvent, { type: "datagram" }> | DialEvent;
export type UplinkOutput = PeerCommand | Dial | Notice | Fatal;

/** "failed": given up, after a Fatal. */
export type UplinkState = "connecting" | "connected" | "failed" | "stopped";

export type SendResult = "sent" | "not-connected" | "too-large";

export interface ObservedAddress {
  readonly address: Ipv4;
  readonly port: number;
}

export class UplinkStats {
  dials = 0;
  connections = 0;
  /** Connections after the first. */
  reconnections = 0;
  registrationsSent = 0;
  acks = 0;
  nacks = 0;
  /** Datagrams from the relay: control messages of ours, and those that are neither control nor an inner packet. */
  control = 0;
  unexpected = 0;
}

/** Datagrams do not pass through handle(): the owner asks receive() which of them are inner packets. */
export class Uplink implements Machine<UplinkInput, UplinkOutput> {
  readonly stats = new UplinkStats();
  /** Our address as the relay sees it. */
  observedAddress: ObservedAddress | undefined;
  private readonly options: UplinkOptions;
  private readonly out = new Outbox<UplinkOutput>();
  private readonly dialer: Dialer;
  private readonly registrations: Registrations;
  private connection: RelayConnection | undefined;
  private ended: "failed" | "stopped" | undefined;
  private succeeded = false;
  /** What was said since the relay last acknowledged us, so that it is said once. */
  private readonly said = new Set<string>();

  constructor(options: UplinkOptions) {
    this.options = options;
    this.dialer = new Dialer(options, this.out);
    this.dialer.want(0);
    this.registrations = new Registrations(options.services, options.random, this.out);
  }

  handle(input: UplinkInput | Timeout, now: Millis): void {
    switch (input.type) {
      case "timeout":
        this.timeout(now);
        break;
      case "dialing":
        this.dialer.dialing(input.dial, input.peer);
        break;
      case "unresolved":
        if (this.dialer.unresolved(input.dial)) this.warn("unresolved", input.detail);
        break;
      case "connected":
        this.connected(input.peer, input.maxDatagram, now);
        break;
      case "dial-failed":
        if (this.dialer.failed(input.peer)) this.failed(input.reason, "relay", input.detail);
        break;
      case "disconnected":
        this.disconnected(input, now);
        break;
      case "datagram-limit":
        if (this.connection?.peer === input.peer) this.connection.maxDatagram = input.maxDatagram;
        break;
      case "heard":
        if (this.connection?.peer === input.peer) this.heard(this.connection, now);
        break;
      case "writable":
      case "moved":
        break;
    }
  }

  /** A datagram of `peer`, our connection. Returns it if it is an inner packet; control messages end here. */
  receive(bytes: Uint8Array, now: Millis): Uint8Array | undefined {
    if (this.connection === undefined) return undefined;
    this.heard(this.connection, now);
    if (bytes.length > 0 && bytes[0]! >> 4 === IP_VERSION_4) return bytes;
    if (this.control(bytes, now)) this.stats.control++;
    else this.stats.unexpected++;
    return undefined;
  }

  /** Borrows the bytes like every output. */
  send(bytes: Uint8Array, now: Millis): SendResult {
    if (this.connection === undefined) return "not-connected";
    if (bytes.length > this.connection.maxDatagram) return "too-large";
    this.connection.sent(now);
    this.out.push({ type: "send", peer: this.connection.peer, bytes });
    return "sent";
  }

  /** The owner sends datagrams to `peer` by itself now. */
  sending(now: Millis): void {
    this.connection?.sent(now);
  }

  /** Says goodbye, so that the relay forgets us at once. Nothing follows. */
  stop(_now: Millis): void {
    if (this.ended === undefined) this.end("stopped");
  }

  poll(): UplinkOutput | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    if (this.connection === undefined) return this.dialer.deadline();
    const ours = earlier(this.connection.deadline(), this.registrations.deadline());
    return earlier(ours, this.dialer.deadline());
  }

  get state(): UplinkState {
    return this.ended ?? (this.connection === undefined ? "connecting" : "connected");
  }

  /** Whether the relay ever answered a registration, so that the credentials of both sides are known to be good. */
  get hadSuccess(): boolean {
    return this.succeeded;
  }

  /** The connection in use. */
  get peer(): PeerId | undefined {
    return this.connection?.peer;
  }

  /** Largest datagram that the connection takes now; 0 without one. */
  get maxDatagram(): number {
    return this.connection?.maxDatagram ?? 0;
  }

  registration(service: string): Registration | undefined {
    return this.registrations.get(service);
  }

  allRegistrations(): Iterable<Registration> {
    return this.registrations.all();
  }

  /** Whether an event about this peer is for this uplink. */
  owns(peer: PeerId): boolean {
    return this.connection?.peer === peer || this.dialer.owns(peer);
  }

  expects(dial: number): boolean {
    return this.dialer.expects(dial);
  }

  private timeout(now: Millis): void {
    if (this.connection !== undefined) this.checkLiveness(this.connection, now);
    this.dialer.timeout(now);
    this.stats.dials = this.dialer.started;
    if (this.connection !== undefined) this.register(this.connection, now);
  }

  private checkLiveness(connection: RelayConnection, now: Millis): void {
    const verdict = connection.check(now);
    if (verdict === "ping" || verdict === "suspect") this.out.push({ type: "ping", peer: connection.peer });
    if (verdict === "suspect") this.dialer.want(now);
    if (verdict === "dead") this.lose(connection, now);
  }

  private register(connection: RelayConnection, now: Millis): void {
    for (let due = this.registrations.takeDue(now); due !== undefined; due = this.registrations.takeDue(now)) {
      this.stats.registrationsSent++;
      connection.sent(now);
      const bytes = encodeRegistration(this.options.role, due);
      this.out.push({ type: "send", peer: connection.peer, bytes });
    }
  }

  private connected(peer: PeerId, maxDatagram: number, now: Millis): void {
    if (!this.dialer.won(peer)) return;
    if (this.connection !== undefined) this.close(this.connection.peer, "superseded");
    this.connection = new RelayConnection(peer, maxDatagram, now);
    this.stats.connections++;
    if (this.stats.connections > 1) this.stats.reconnections++;
    this.out.push({ type: "notice", level: "info", event: "connected", fields: { maxDatagram } });
    this.registrations.connected(now);
    this.register(this.connection, now);
  }

  private disconnected(event: Extract<PeerEvent, { type: "disconnected" }>, now: Millis): void {
    if (this.connection?.peer !== event.peer) {
      this.dialer.failed(event.peer);
      return;
    }
    const reason = event.by === "peer" ? closeReason(event) : event.by;
    this.connection = undefined;
    this.registrations.disconnected();
    this.failed(reason, "own", "");
    // A relay that says goodbye says it to everybody: not all should come back in the same instant.
    if (this.ended === undefined) this.dialer.want(now + (event.by === "peer" ? this.options.random() * SPREAD_MS : 0));
  }

  private lose(connection: RelayConnection, now: Millis): void {
    this.close(connection.peer, "timeout");
    this.connection = undefined;
    this.registrations.disconnected();
    this.warn("timeout", "");
    this.dialer.want(now);
  }

  private failed(reason: string, refused: Refused, detail: string): void {
    const fatal = credentialFailure(reason, refused);
    const mayGiveUp = !this.succeeded && (this.options.mayGiveUp?.() ?? true);
    if (fatal !== undefined && mayGiveUp) {
      this.end("failed");
      this.out.push(fatal);
      return;
    }
    this.warn(reason, detail);
  }

  private heard(connection: RelayConnection, now: Millis): void {
    connection.heard(now);
    if (this.dialer.wanted) this.dialer.cancel(); // the suspicion was wrong
  }

  /** False: not a message that a relay sends to a client. */
  private control(bytes: Uint8Array, now: Millis): boolean {
    const message = parseTunnelDatagram(bytes);
    switch (message.type) {
      case "observed-address":
        this.observedAddress = { address: message.address, port: message.port };
        return true;
      case "ack":
        this.stats.acks++;
        if (!this.registrations.acknowledged(message.service, now)) return false;
        this.succeeded = true;
        this.said.clear();
        this.dialer.settled();
        return true;
      case "nack":
        this.stats.nacks++;
        if (!this.registrations.refused(message.status, message.service, now)) return false;
        this.succeeded = true;
        return true;
      default:
        return false;
    }
  }

  private end(how: "failed" | "stopped"): void {
    this.ended = how;
    if (this.connection !== undefined) this.close(this.connection.peer, how);
    this.connection = undefined;
    this.registrations.disconnected();
    this.dialer.cancel();
  }

  private close(peer: PeerId, reason: string): void {
    this.out.push({ type: "close", peer, layer: "application", code: 0, reason });
  }

  /** Each failure once until the relay has acknowledged us again. */
  private warn(reason: string, detail: string): void {
    if (this.said.has(reason) || this.said.size >= MAX_SAID) return;
    this.said.add(reason);
    const fields = detail === "" ? { reason } : { reason, detail };
    this.out.push({ type: "notice", level: "warn", event: "relay-unavailable", fields });
  }
}

const IP_VERSION_4 = 4;
/** A relay chooses the reasons that it closes with. */
const MAX_SAID = 16;
const SPREAD_MS = 300;
