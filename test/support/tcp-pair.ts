// Two TCP connections back to back over the seeded network, in virtual time with fractions, each with an application
// that writes, reads and pauses as it likes. Every packet is held to the window that the other side had offered.
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionLimits } from "../../src/tcp/connection-options.ts";
import { newTcpStats } from "../../src/tcp/stats.ts";
import { checkIpv4 } from "../../src/wire/ipv4.ts";
import {
  checkTcp,
  encodeRst,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  tcpAcknowledgement,
  tcpFlags,
  tcpPayloadStart,
  tcpSequence,
  tcpWindow,
} from "../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions } from "../../src/wire/tcp-options.ts";
import { type LinkConditions, Network, PERFECT_LINK } from "./network.ts";
import { Random } from "./random.ts";

export interface EndPlan {
  readonly limits: Partial<ConnectionLimits>;
  readonly mss: number;
  /** Bytes of its stream, and how many are written at most at a time. */
  readonly bytes: number;
  readonly writeSize: number;
  /** How many bytes the application takes at a time, and how long it rests afterwards. */
  readonly readSize: number;
  readonly restMs: number;
  /** Packets that leave at most at a time. */
  readonly room: number;
  /** Segment sizes that the path gets from time to time. */
  readonly mssChanges: readonly number[];
}

export interface PairPlan {
  readonly seed: number;
  readonly ends: readonly [EndPlan, EndPlan];
  /** What the path is like, one after the other, a second each; the last one stays. */
  readonly conditions: readonly Partial<LinkConditions>[];
  /** Somebody else's packet for an end, or none, whenever that end is woken. */
  readonly forge?: (end: End, random: Random) => Uint8Array | undefined;
}

export class TcpPair {
  now = 1_000.125;
  readonly ends: readonly [End, End];
  private readonly network: Network<Uint8Array>;
  private readonly plan: PairPlan;
  private readonly forger: Random;

  constructor(plan: PairPlan) {
    this.plan = plan;
    this.forger = new Random(plan.seed + 2);
    this.network = new Network({ seed: plan.seed, copy: (bytes) => bytes.slice() });
    const random = new Random(plan.seed + 1);
    this.ends = [new End(plan.ends[0], 0, random), new End(plan.ends[1], 1, random)];
  }

  /** Runs until both connections are closed, or until `isDone`; fails when they do not get there. */
  run(isDone = () => false): void {
    const started = this.now;
    this.ends[0].connection.connect();
    for (let step = 0; ; step += 1) {
      if (step > MAX_STEPS) throw new Error(`still not done after ${step} steps at ${this.now} ms`);
      const phase = Math.min(Math.floor((this.now - started) / 1_000), this.plan.conditions.length - 1);
      this.network.setConditions({ ...PERFECT_LINK, ...this.plan.conditions[phase] });
      for (const end of this.ends) this.flush(end);
      const next = Math.min(
        ...this.ends.map((end) => end.due(this.now)),
        this.network.next() ?? Number.POSITIVE_INFINITY,
      );
      if (next === Number.POSITIVE_INFINITY || isDone()) return;
      this.now = Math.max(this.now, next);
      this.deliver();
      for (const end of this.ends) {
        const forged = end.held ? this.plan.forge?.(end, this.forger) : undefined;
        if (forged !== undefined) end.receive(forged, this.now);
        end.wake(this.now);
      }
    }
  }

  private flush(end: End): void {
    for (let sent = 0; sent < end.plan.room; sent += 1) {
      const packet = end.transmit(this.now);
      if (packet === undefined) return;
      this.other(end).expects(packet);
      this.network.send(end.name, packet, this.now);
    }
    end.hasMore = true;
  }

  private deliver(): void {
    for (
      let arrival = this.network.receive(this.now);
      arrival !== undefined;
      arrival = this.network.receive(this.now)
    ) {
      const to = arrival.link === "0" ? this.ends[1] : this.ends[0];
      const reset = to.connection.state === "closed" && to.held ? encodeRst(arrival.message) : undefined;
      if (reset !== undefined) this.network.send(to.name, reset, this.now);
      to.receive(arrival.message, this.now);
    }
  }

  private other(end: End): End {
    return end === this.ends[0] ? this.ends[1] : this.ends[0];
  }
}

export class End {
  readonly name: string;
  readonly plan: EndPlan;
  readonly connection: Connection;
  readonly stats = newTcpStats();
  readonly events: string[] = [];
  /** The caller had no room for everything. */
  hasMore = false;
  received = 0;
  private written = 0;
  private reads = 0;
  private restsUntil = 0;
  /** The first SYN came. */
  held: boolean;
  private mss: number;
  private readonly random: Random;
  private readonly initial: number;
  /** The highest wire number that this end ever offered to take, and its scale. */
  private offered: number | undefined;
  private shift = 0;
  private readonly packet = new Uint8Array(MAX_PACKET + 1);

  constructor(plan: EndPlan, index: 0 | 1, random: Random) {
    this.name = String(index);
    this.held = index === 0;
    this.plan = plan;
    this.random = random;
    this.mss = plan.mss;
    this.initial = random.pick([0xffff_fff0, 0x7fff_ff00, random.integerBelow(2 ** 32)]);
    const addresses = index === 0 ? { source: 1, destination: 2 } : { source: 2, destination: 1 };
    this.connection = new Connection({
      ...{
        flow: { ...addresses, sourcePort: 7, destinationPort: 7 },
        stats: this.stats,
        userTimeoutMs: 1e9,
        maxRtoMs: 4_000,
      },
      ...{ mss: plan.mss, initialSequence: this.initial, timestampOffset: random.integerBelow(2 ** 32) },
      ...{ handshakeTimeoutMs: 1e9, timeWaitMs: 1e6, ...plan.limits },
    });
  }

  /** When it next wants to be woken. */
  due(now: number): number {
    if (this.hasMore) return now + 0.25;
    const reading = this.connection.readable > 0 ? this.restsUntil : Number.POSITIVE_INFINITY;
    return Math.min(this.connection.deadline() ?? Number.POSITIVE_INFINITY, reading);
  }

  receive(packet: Uint8Array, now: number): void {
    if (!this.held) {
      this.held = true;
      this.connection.hold(packet, 0, now);
      this.connection.accept();
    } else this.connection.receive(packet, 0, now);
    packet.fill(0xa5);
  }

  wake(now: number): void {
    this.hasMore = false;
    this.connection.handleTimeout(now);
    if ((this.connection.deadline() ?? now + 1) <= now) throw new Error(`a timer that is due again at once, at ${now}`);
    this.read(now);
    this.write(now);
    for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll())
      this.events.push(event);
    if (this.plan.mssChanges.length > 0 && this.random.chance(0.02)) {
      this.mss = this.random.pick(this.plan.mssChanges);
      this.connection.setMss(this.mss);
    }
  }

  transmit(now: number): Uint8Array | undefined {
    const length = this.connection.transmit(this.packet, 1, now);
    if (length === 0) return undefined;
    if (length > this.mss + 40) throw new Error(`a packet of ${length} bytes for segments of ${this.mss}`);
    const packet = this.packet.slice(1, 1 + length);
    const fault = checkIpv4(packet) ?? checkTcp(packet);
    if (fault !== undefined) throw new Error(`a packet that is ${fault}`);
    this.noteOffer(packet);
    return packet;
  }

  /** A packet of the other end: it keeps to what this end offered, but for a probe of one byte. */
  expects(packet: Uint8Array): void {
    if (this.offered === undefined || (tcpFlags(packet) & (TCP_SYN | TCP_RST)) !== 0) return;
    const end = (tcpSequence(packet) + packet.length - tcpPayloadStart(packet)) >>> 0;
    const beyond = (end - this.offered) | 0;
    if (beyond > 1) throw new Error(`${beyond} bytes beyond the window`);
  }

  private noteOffer(packet: Uint8Array): void {
    const options = new TcpOptions();
    readTcpOptions(packet, 0, options);
    const isSyn = (tcpFlags(packet) & TCP_SYN) !== 0;
    if (isSyn) this.shift = Math.max(options.windowScale, 0);
    if ((tcpFlags(packet) & TCP_ACK) === 0) return;
    const edge = (tcpAcknowledgement(packet) + tcpWindow(packet) * 2 ** (isSyn ? 0 : this.shift)) >>> 0;
    if (this.offered === undefined || ((edge - this.offered) | 0) > 0) this.offered = edge;
  }

  private write(now: number): void {
    if (!this.held) return;
    while (this.written < this.plan.bytes) {
      const size = Math.min(1 + this.random.integerBelow(this.plan.writeSize), this.plan.bytes - this.written);
      const bytes = streamOf(this.name, this.written, size);
      const lent = this.random.chance(0.5);
      const taken = this.connection.write(bytes, lent ? "lent" : "given", now);
      if (lent) bytes.fill(0xa5);
      this.written += taken;
      if (taken < size) return;
    }
    this.connection.close(now);
  }

  private read(now: number): void {
    if (now < this.restsUntil) return;
    let left = this.plan.readSize;
    while (left > 0) {
      const view = this.connection.read();
      if (view.length === 0) return;
      const taken = Math.min(view.length, left);
      const isRight = Buffer.compare(view.subarray(0, taken), streamOf(other(this.name), this.received, taken)) === 0;
      if (!isRight) throw new Error(`wrong bytes from ${this.received} on`);
      this.connection.consumed(taken);
      this.received += taken;
      left -= taken;
    }
    this.reads += 1;
    this.restsUntil = now + this.plan.restMs;
  }
}

/** Bytes [from, from + length) of an end's stream. */
function streamOf(name: string, from: number, length: number): Uint8Array {
  const start = from % PATTERN_PERIOD;
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = (start + done) % PATTERN_PERIOD;
    const piece = PATTERNS[name]!.subarray(at, at + length - done);
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

function other(name: string): string {
  return name === "0" ? "1" : "0";
}

/** A prime, so that no power of two that goes wrong looks right. */
const PATTERN_PERIOD = 65_521;
const PATTERNS: Record<string, Uint8Array> = {
  "0": new Random(1).bytes(PATTERN_PERIOD),
  "1": new Random(2).bytes(PATTERN_PERIOD),
};
const MAX_PACKET = 2_000;
const MAX_STEPS = 2_000_000;
