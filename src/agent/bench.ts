// Measures the way to a service and back with echo requests, which the service's connector answers itself: one at a time
// on the idle path, then at a steady rate. A request that the connection has no room for is held back, never queued.
import { Delays } from "../core/delays.ts";
import { earlier, type Machine, type Millis, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import { Uplink } from "../tunnel/uplink.ts";
import type { Ipv4 } from "../wire/address.ts";
import { readU32, writeU32 } from "../wire/bytes.ts";
import {
  checkIcmp,
  encodeEchoRequest,
  ICMP_ECHO_REPLY,
  icmpDataStart,
  icmpIdentifier,
  icmpType,
} from "../wire/icmp.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_ICMP } from "../wire/ipv4.ts";
import { encodeRouted } from "../wire/tunnel.ts";

export interface BenchPlan {
  readonly service: string;
  readonly destination: Ipv4;
  /** Of an inner packet. */
  readonly bytes: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface BenchDelays {
  readonly sent: number;
  readonly returned: number;
  /** Microseconds; absent when nothing returned. */
  readonly p50Us?: number;
  readonly p99Us?: number;
}

export interface BenchResult {
  readonly idle: BenchDelays;
  /** `heldBack`: due, but the connection had no room. */
  readonly load: BenchDelays & { readonly heldBack: number; readonly perSecond: number };
}

export type BenchOutput =
  | PeerCommand
  | Dial
  | Notice
  | Fatal
  | { readonly type: "bench-over"; readonly result: BenchResult }
  | { readonly type: "bench-failed"; readonly cause: "unreachable" | "refused" | "failed"; readonly sentence: string };

export interface BenchOptions {
  readonly plan: BenchPlan;
  readonly random: () => number;
  /** Datagrams that would leave at once. */
  readonly room: (peer: PeerId) => number;
}

export class Bench implements Machine<PeerEvent | DialEvent, BenchOutput> {
  private readonly plan: BenchPlan;
  private readonly room: (peer: PeerId) => number;
  private readonly uplink: Uplink;
  private readonly out = new Outbox<BenchOutput>();
  private readonly identifier: number;
  private readonly connectBy: Millis;
  private phase: "connecting" | "idle" | "load" | "settling" | "over" = "connecting";
  private phaseAt: Millis = 0;
  private now: Millis;
  private series: Series;
  private idle: BenchDelays = { sent: 0, returned: 0 };

  constructor({ plan, random, room }: BenchOptions, now: Millis) {
    let dials = 0;
    this.plan = plan;
    this.room = room;
    this.now = now;
    this.connectBy = now + CONNECT_MS;
    this.identifier = Math.floor(random() * 0x1_0000);
    this.series = new Series(IDLE_TRIPS);
    this.uplink = new Uplink({ role: "agent", services: [plan.service], nextDial: () => ++dials, random });
  }

  handle(input: PeerEvent | DialEvent | Timeout, now: Millis): void {
    this.now = now;
    if (input.type === "datagram") this.received(input.bytes, now);
    else this.uplink.handle(input, now);
    this.advance(now);
  }

  poll(): BenchOutput | undefined {
    return this.out.shift() ?? this.uplink.poll() ?? this.nextRequest(this.now);
  }

  deadline(): Millis | undefined {
    return this.phase === "over" ? undefined : earlier(this.uplink.deadline(), this.wakeAt());
  }

  private wakeAt(): Millis {
    if (this.phase === "connecting") return this.connectBy;
    if (this.phase === "idle") return this.series.lastSentAt + ANSWER_MS;
    return this.phase === "load" ? this.now + TICK_MS : this.phaseAt + ANSWER_MS;
  }

  private advance(now: Millis): void {
    switch (this.phase) {
      case "connecting":
        return this.connecting(now);
      case "idle":
        if (this.series.sent < IDLE_TRIPS || !this.answered(now)) return this.checkConnection();
        this.idle = this.series.result();
        this.series = new Series(this.plan.perSecond * this.plan.seconds);
        return this.enter("load", now);
      case "load":
        if (this.series.sent + this.series.heldBack >= this.series.limit) this.enter("settling", now);
        return this.checkConnection();
      case "settling":
        if (this.series.returned === this.series.sent || now - this.phaseAt >= ANSWER_MS) this.finish();
        return;
      case "over":
        return;
    }
  }

  private connecting(now: Millis): void {
    const { service, bytes } = this.plan;
    const registration = this.uplink.registration(service);
    if (registration?.state === "denied") {
      return this.fail("refused", `the relay does not let us use ${service}: ${registration.reason}`);
    }
    if (registration?.state === "registered") {
      const largest = this.uplink.maxDatagram - encodeRouted(service, new Uint8Array(0)).length;
      if (bytes <= largest) return this.enter("idle", now);
      return this.fail("failed", `a packet of ${bytes} bytes does not fit: --bytes ${largest} at most`);
    }
    if (now >= this.connectBy) this.fail("unreachable", `no answer of the relay within ${CONNECT_MS / 1000} s`);
  }

  private checkConnection(): void {
    if (this.uplink.peer === undefined) this.fail("failed", "the connection to the relay was lost");
  }

  /** The one that is out has come back, or will not. */
  private answered(now: Millis): boolean {
    return this.series.returned === this.series.sent || now - this.series.lastSentAt >= ANSWER_MS;
  }

  /** The next echo request that is due; as outputs are borrowed, one at a time. */
  private nextRequest(now: Millis): BenchOutput | undefined {
    const { series, plan, uplink } = this;
    const { peer } = uplink;
    if (peer === undefined) return undefined;
    if (this.phase === "idle") {
      if (series.sent >= IDLE_TRIPS || (series.sent > 0 && !this.answered(now))) return undefined;
    } else if (this.phase === "load") {
      const due = Math.min(series.limit, Math.floor(((now - this.phaseAt) * plan.perSecond) / 1000));
      if (series.sent + series.heldBack >= due) return undefined;
      if (this.room(peer) < 1) {
        series.heldBack = due - series.sent;
        return undefined;
      }
    } else return undefined;
    const payload = series.next(plan.bytes - ECHO_OVERHEAD, now);
    const { destination } = plan;
    const flow = { source: SOURCE, destination, identifier: this.identifier, sequence: series.sent & 0xffff };
    uplink.send(encodeRouted(plan.service, encodeEchoRequest({ ...flow, payload })), now);
    return uplink.poll();
  }

  private received(bytes: Uint8Array, now: Millis): void {
    const packet = this.uplink.receive(bytes, now);
    if (packet === undefined || checkIpv4(packet) !== undefined || ipv4Protocol(packet) !== PROTOCOL_ICMP) return;
    if (checkIcmp(packet) !== undefined || icmpType(packet) !== ICMP_ECHO_REPLY) return;
    if (icmpIdentifier(packet) === this.identifier) this.series.came(packet.subarray(icmpDataStart(packet)), now);
  }

  private enter(phase: "idle" | "load" | "settling", now: Millis): void {
    this.phase = phase;
    this.phaseAt = now;
  }

  private finish(): void {
    const { series, plan, idle } = this;
    const perSecond = series.sent / plan.seconds;
    this.end({
      type: "bench-over",
      result: { idle, load: { ...series.result(), heldBack: series.heldBack, perSecond } },
    });
  }

  private fail(cause: "unreachable" | "refused" | "failed", sentence: string): void {
    this.end({ type: "bench-failed", cause, sentence });
  }

  private end(output: BenchOutput): void {
    this.phase = "over";
    this.out.push(output);
  }
}

/** Numbered requests of one phase: each counts once, however often it comes back. */
class Series {
  readonly limit: number;
  sent = 0;
  heldBack = 0;
  returned = 0;
  lastSentAt: Millis = 0;
  private readonly sentAt: Float64Array;
  private readonly delays = new Delays();
  /** Tells an answer of an earlier series. */
  private readonly key = ++series;

  constructor(limit: number) {
    this.limit = limit;
    this.sentAt = new Float64Array(limit);
  }

  next(bytes: number, now: Millis): Uint8Array {
    const payload = new Uint8Array(bytes);
    writeU32(payload, 0, this.key);
    writeU32(payload, 4, this.sent);
    this.sentAt[this.sent] = now;
    this.lastSentAt = now;
    this.sent += 1;
    return payload;
  }

  came(payload: Uint8Array, now: Millis): void {
    if (payload.length < NUMBER_BYTES || readU32(payload, 0) !== this.key) return;
    const number = readU32(payload, 4);
    const at = this.sentAt[number];
    if (number >= this.sent || at === undefined || at === 0) return;
    this.sentAt[number] = 0;
    this.returned += 1;
    this.delays.add(now - at);
  }

  result(): BenchDelays {
    const { sent, returned, delays } = this;
    if (returned === 0) return { sent, returned };
    return { sent, returned, p50Us: delays.quantile(0.5), p99Us: delays.quantile(0.99) };
  }
}

let series = 0;

/** Any address: the relay gives each agent its own. */
const SOURCE: Ipv4 = 0x64400001;
/** IPv4 and ICMP headers. */
const ECHO_OVERHEAD = 28;
const NUMBER_BYTES = 8;
/** The smallest packet that a plan may have. */
export const LEAST_BENCH_BYTES = ECHO_OVERHEAD + NUMBER_BYTES;
const IDLE_TRIPS = 50;
const ANSWER_MS = 1000;
const CONNECT_MS = 10_000;
const TICK_MS = 1;
