// What the relay itself tells the sender of a packet that cannot get through, as an ordinary inner packet: nobody
// serves the service, or the packet is too large for the next hop. Limited for each connection.
import type { Millis } from "../core/machine.ts";
import type { PeerId } from "../tunnel/peer.ts";
import {
  checkIcmp,
  encodeFragmentationNeeded,
  encodeUnreachable,
  ICMP_ECHO_REQUEST,
  icmpType,
  UNREACHABLE_HOST,
} from "../wire/icmp.ts";
import { ipv4Destination, ipv4Protocol, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import { checkTcp, encodeRst, TCP_ACK, TCP_SYN, tcpFlags } from "../wire/tcp.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";
import type { AnswerKind, RelayStats } from "./stats.ts";

export class Answers {
  private readonly outputs: Outputs;
  private readonly stats: RelayStats;
  private readonly room: (peer: PeerId) => number;

  constructor(outputs: Outputs, stats: RelayStats, room: (peer: PeerId) => number) {
    this.outputs = outputs;
    this.stats = stats;
    this.room = room;
  }

  /** Nobody serves the service. Says so to who opens a TCP connection, sends UDP or pings; the rest is not answered. */
  unserved(session: Session, packet: Uint8Array, now: Millis): void {
    switch (ipv4Protocol(packet)) {
      case PROTOCOL_TCP:
        if (isOpening(packet)) this.answer(session, "reset", () => encodeRst(packet), now);
        return;
      case PROTOCOL_ICMP:
        if (isEchoRequest(packet)) this.unreachable(session, packet, now);
        return;
      case PROTOCOL_UDP:
        this.unreachable(session, packet, now);
    }
  }

  /** A sender that forbids fragmentation wants to know how large a packet may be (RFC 1191). */
  tooLarge(session: Session, packet: Uint8Array, nextHopMtu: number, now: Millis): void {
    if (((packet[6] as number) & DONT_FRAGMENT) === 0) return;
    const error = { packet, nextHopMtu, source: ipv4Destination(packet) };
    this.answer(session, "fragmentation-needed", () => encodeFragmentationNeeded(error), now);
  }

  private unreachable(session: Session, packet: Uint8Array, now: Millis): void {
    const error = { packet, code: UNREACHABLE_HOST, source: ipv4Destination(packet) } as const;
    this.answer(session, "unreachable", () => encodeUnreachable(error), now);
  }

  private answer(session: Session, kind: AnswerKind, encode: () => Uint8Array | undefined, now: Millis): void {
    const mayAnswer = this.room(session.peer) > 0 && session.answerRate.allow(now);
    const packet = mayAnswer ? encode() : undefined;
    if (packet === undefined || packet.length > session.maxDatagram) {
      this.stats.answersSuppressed += 1;
      return;
    }
    this.stats.answers[kind] += 1;
    this.outputs.send(session.peer, packet);
  }
}

function isOpening(packet: Uint8Array): boolean {
  return checkTcp(packet) === undefined && (tcpFlags(packet) & (TCP_SYN | TCP_ACK)) === TCP_SYN;
}

function isEchoRequest(packet: Uint8Array): boolean {
  return checkIcmp(packet) === undefined && icmpType(packet) === ICMP_ECHO_REQUEST;
}

/** In the first byte of flags and fragment offset. */
const DONT_FRAGMENT = 0x40;
