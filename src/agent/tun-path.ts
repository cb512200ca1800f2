// From the TUN device to a service: one read at a time is checked, cut into packets and sent as fast as the relay
// connection takes them. What cannot get through is answered, so that programs do not wait for nothing. And back: only
// what programs of this host asked for.
import type { Millis } from "../core/machine.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import type { UplinkOutput } from "../tunnel/uplink.ts";
import type { Ipv4 } from "../wire/address.ts";
import { encodeFragmentationNeeded, encodeUnreachable, UNREACHABLE_PROHIBITED } from "../wire/icmp.ts";
import { ipv4Destination, mayFragment } from "../wire/ipv4.ts";
import { Segments } from "../wire/segments.ts";
import { VNET_HEADER_LENGTH } from "../wire/virtio-net.ts";
import type { Outbound } from "./outbound.ts";
import { MAX_HEAD, type Route } from "./routes.ts";
import { Solicited } from "./solicited.ts";
import type { AgentStats, AnswerKind, InboundDrop, OutboundDrop } from "./stats.ts";
import { type Opening, TunOpenings } from "./tun-openings.ts";

/**
 * One read of the TUN device: bytes[at, end) is a virtio header and a packet, with room for MAX_HEAD bytes before it.
 * Only while `takesPackets`; the bytes are the agent's to overwrite until it takes packets again.
 */
export type TunRead = {
  readonly type: "tun-read";
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
};

/** A packet for the TUN device. */
export type TunWrite = { readonly type: "tun-write"; readonly bytes: Uint8Array };

export class TunPath {
  /** The device's inner address. */
  readonly address: Ipv4;
  private readonly outbound: Outbound;
  private readonly stats: AgentStats;
  private readonly write: (packet: TunWrite) => void;
  private readonly solicited = new Solicited();
  private readonly openings = new TunOpenings();
  private readonly answerRate = new TokenBucket(ANSWERS, 0);
  private readonly segments = new Segments();
  /** What was read last, and where it goes. */
  private bytes: Uint8Array = NOTHING;
  private route: Route | undefined;

  constructor(address: Ipv4, outbound: Outbound, stats: AgentStats, write: (packet: TunWrite) => void) {
    this.address = address;
    this.outbound = outbound;
    this.stats = stats;
    this.write = write;
  }

  /** Packets of the last read that have not left. */
  get waiting(): number {
    return this.segments.remaining;
  }

  /** Whether next() may have something. */
  get ready(): boolean {
    return this.segments.remaining > 0 || this.openings.ready;
  }

  deadline(): Millis | undefined {
    return this.openings.deadline();
  }

  timeout(now: Millis): void {
    this.openings.timeout(now);
  }

  read({ bytes, at, end }: TunRead, now: Millis): void {
    const hop = this.stats.hops.tun;
    const { segments } = this;
    this.drop("overrun");
    this.bytes = bytes;
    const fault = segments.begin(bytes, at, end) ?? this.admit(now);
    const packets = Math.max(segments.remaining, 1);
    hop.receive(Math.max(0, end - at - VNET_HEADER_LENGTH), packets);
    if (fault === undefined) return;
    segments.drop();
    hop.drop(fault === "not-ipv4" && isIpv6(bytes, at) ? "ipv6" : fault, packets);
  }

  /** The next packet that leaves; it is valid until the next call. */
  next(now: Millis): UplinkOutput | undefined {
    const opening = this.openings.take();
    if (opening !== undefined) return this.sendAgain(opening, now);
    const { segments, route } = this;
    if (route === undefined || !segments.next()) return undefined;
    return this.outbound.send(this.stats.hops.tun, route, this.bytes, segments.start, segments.end, now);
  }

  /** A checked packet of a service to the device's address, which goes to the host if a program there asked for it. */
  deliver(packet: Uint8Array, now: Millis): InboundDrop | undefined {
    if (!this.solicited.expects(packet, now)) return "unsolicited";
    if (this.openings.isHurriedRefusal(packet, now)) return "hurried-refusal";
    this.write({ type: "tun-write", bytes: packet });
    return undefined;
  }

  /** What is left of the last read is lost. */
  drop(reason: OutboundDrop): void {
    const { remaining } = this.segments;
    if (remaining > 0) this.stats.hops.tun.drop(reason, remaining);
    this.segments.drop();
  }

  /** Whether what the segments were begun with may go to its service, and in packets of what size. */
  private admit(now: Millis): OutboundDrop | undefined {
    const { segments, outbound } = this;
    if (segments.source !== this.address) return "foreign-source";
    const route = outbound.routes.at(segments.destination);
    if (route === undefined) return "no-route";
    this.route = route;
    const fault = outbound.fault(route);
    if (fault === "denied") this.answerDenied(now);
    if (fault !== undefined) return fault;
    const maxPacket = outbound.maxPacket(route);
    if (!segments.limit(maxPacket)) {
      this.answerTooLarge(maxPacket, now);
      return "too-large";
    }
    this.solicited.sent(this.bytes, segments.start, route.virtualIp, now);
    const { start, end, remaining } = segments;
    if (remaining === 1 && !this.openings.leaves(this.bytes, start, end, route, now)) return "opening-pace";
    return undefined;
  }

  /** A SYN whose program was not told of the answer to the first one. It counts as one more packet. */
  private sendAgain({ route, bytes }: Opening, now: Millis): UplinkOutput | undefined {
    const hop = this.stats.hops.tun;
    hop.receive(bytes.length - MAX_HEAD);
    const fault = this.outbound.fault(route);
    if (fault === undefined) return this.outbound.send(hop, route, bytes, MAX_HEAD, bytes.length, now);
    hop.drop(fault);
    return undefined;
  }

  /** RFC 1191: a sender that forbids fragmentation learns what gets through. */
  private answerTooLarge(nextHopMtu: number, now: Millis): void {
    const packet = this.packet();
    if (mayFragment(packet)) return;
    const error = { packet, nextHopMtu, source: ipv4Destination(packet) };
    this.answer("fragmentation-needed", () => encodeFragmentationNeeded(error), now);
  }

  private answerDenied(now: Millis): void {
    const packet = this.packet();
    const error = { packet, code: UNREACHABLE_PROHIBITED, source: ipv4Destination(packet) } as const;
    this.answer("unreachable", () => encodeUnreachable(error), now);
  }

  private answer(kind: AnswerKind, encode: () => Uint8Array | undefined, now: Millis): void {
    const bytes = this.answerRate.allow(now) ? encode() : undefined;
    if (bytes === undefined) {
      this.stats.answersSuppressed += 1;
      return;
    }
    this.stats.answers[kind] += 1;
    this.write({ type: "tun-write", bytes });
  }

  /** As it was read. */
  private packet(): Uint8Array {
    return this.bytes.subarray(this.segments.start, this.segments.end);
  }
}

function isIpv6(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + VNET_HEADER_LENGTH] as number) >>> 4 === 6;
}

const NOTHING = new Uint8Array(0);
const ANSWERS = { perSecond: 100, burst: 100 };
