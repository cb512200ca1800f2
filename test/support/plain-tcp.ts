// A plain TCP client, as small as RFC 9293 allows: no options but perhaps an MSS, segments of 536 bytes unless the peer
// offers more, a window of 65,535 bytes that is always open, and the oldest segment again when three duplicates or a timer
// say so. The network stack behind the model of the reference's agent.
import type { Millis } from "../../src/core/machine.ts";
import { ipv4TotalLength } from "../../src/wire/ipv4.ts";
import {
  encodeTcp,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  tcpAcknowledgement,
  tcpFlags,
  tcpPayloadStart,
  tcpSequence,
  tcpWindow,
} from "../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions } from "../../src/wire/tcp-options.ts";

export interface PlainTcpOptions {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  readonly initialSequence: number;
  /** Announced in the SYN; without it none is, and segments have 536 bytes at most. */
  readonly mss?: number;
  readonly send: (packet: Uint8Array) => void;
}

interface Piece {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
}

export type PlainTcpState = "syn-sent" | "open" | "reset" | "closed" | "timed-out";

export class PlainTcp {
  state: PlainTcpState = "syn-sent";
  /** What arrived, in order. */
  readonly received: Uint8Array[] = [];
  receivedBytes = 0;
  /** The peer has finished sending. */
  ended = false;
  /** Largest payload that was sent. */
  largestSegment = 0;
  private readonly options: PlainTcpOptions;
  private readonly outgoing: Uint8Array[] = [];
  private outgoingBytes = 0;
  private finishing = false;
  /** Counted from the byte behind the SYN. */
  private acknowledged = 0;
  private sent = 0;
  private window = 0;
  private segmentBytes = DEFAULT_SEGMENT_BYTES;
  private receiveNext = 0;
  /** What came before its turn. */
  private early: Piece[] = [];
  private duplicates = 0;
  private retries = 0;
  private timerAt: Millis | undefined;

  constructor(options: PlainTcpOptions) {
    this.options = options;
  }

  open(now: Millis): void {
    const { mss } = this.options;
    const options = mss === undefined ? undefined : Uint8Array.of(2, 4, mss >> 8, mss & 0xff);
    this.emit(-1, TCP_SYN, undefined, options);
    this.timerAt = now + RTO_MS * 2 ** this.retries;
  }

  write(bytes: Uint8Array, now: Millis): void {
    this.outgoing.push(bytes.slice());
    this.outgoingBytes += bytes.length;
    this.push(now);
  }

  /** No more will be written. */
  finish(now: Millis): void {
    this.finishing = true;
    this.push(now);
  }

  receive(packet: Uint8Array, now: Millis): void {
    const flags = tcpFlags(packet);
    if (this.state !== "syn-sent" && this.state !== "open") return;
    if ((flags & TCP_RST) !== 0) return this.stop("reset");
    if (this.state === "syn-sent") return this.answered(packet, flags, now);
    if ((flags & TCP_ACK) !== 0) this.takeAcknowledgement(packet, now);
    this.takePayload(packet, flags);
    this.push(now);
    if (this.ended && this.finishing && this.acknowledged > this.outgoingBytes) this.stop("closed");
  }

  handleTimeout(now: Millis): void {
    if (this.timerAt === undefined || now < this.timerAt) return;
    if (++this.retries > MAX_RETRIES) return this.stop("timed-out");
    if (this.state === "syn-sent") return this.open(now);
    this.sent = this.acknowledged;
    this.push(now);
  }

  deadline(): Millis | undefined {
    return this.timerAt;
  }

  private answered(packet: Uint8Array, flags: number, now: Millis): void {
    if ((flags & TCP_SYN) === 0 || tcpAcknowledgement(packet) !== this.wire(0)) return;
    readTcpOptions(packet, 0, OPTIONS);
    const offered = OPTIONS.mss === 0 ? DEFAULT_SEGMENT_BYTES : OPTIONS.mss;
    this.segmentBytes = Math.min(offered, this.options.mss ?? DEFAULT_SEGMENT_BYTES);
    this.receiveNext = (tcpSequence(packet) + 1) >>> 0;
    this.window = tcpWindow(packet);
    this.state = "open";
    this.retries = 0;
    this.timerAt = undefined;
    this.emit(0, TCP_ACK);
    this.push(now);
  }

  private takeAcknowledgement(packet: Uint8Array, now: Millis): void {
    const advanced = (tcpAcknowledgement(packet) - this.wire(this.acknowledged)) | 0;
    this.window = tcpWindow(packet);
    if (advanced > 0 && this.acknowledged + advanced <= this.outgoingBytes + 1) {
      this.acknowledged += advanced;
      this.sent = Math.max(this.sent, this.acknowledged);
      this.duplicates = 0;
      this.retries = 0;
      this.timerAt = this.sent > this.acknowledged ? now + RTO_MS : undefined;
    } else if (advanced === 0 && this.sent > this.acknowledged && ++this.duplicates === 3) {
      this.sendSegment(this.acknowledged);
    }
  }

  private takePayload(packet: Uint8Array, flags: number): void {
    const payload = packet.slice(tcpPayloadStart(packet), ipv4TotalLength(packet));
    const fin = (flags & TCP_FIN) !== 0;
    if (payload.length === 0 && !fin) return;
    const piece = { sequence: tcpSequence(packet), payload, fin };
    if (this.takePiece(piece)) while (this.early.some((waiting) => this.takePiece(waiting)));
    else if (this.early.length < MAX_EARLY) this.early.push(piece);
    this.early = this.early.filter(({ sequence }) => ((this.receiveNext - sequence) | 0) < 0);
    this.emit(this.sent, TCP_ACK);
  }

  /** True when it brought the stream forward. */
  private takePiece({ sequence, payload, fin }: Piece): boolean {
    const skip = (this.receiveNext - sequence) | 0;
    if (skip < 0 || skip >= payload.length + (fin ? 1 : 0) || this.ended) return false;
    const fresh = payload.subarray(skip);
    if (fresh.length > 0) this.received.push(fresh);
    this.receivedBytes += fresh.length;
    this.ended = fin;
    this.receiveNext = (this.receiveNext + fresh.length + (fin ? 1 : 0)) >>> 0;
    return true;
  }

  /** As much as window and segments allow, then the FIN. */
  private push(now: Millis): void {
    if (this.state !== "open") return;
    const end = this.outgoingBytes + (this.finishing ? 1 : 0);
    const limit = this.acknowledged + Math.min(Math.max(this.window, 1), MAX_FLIGHT_BYTES);
    while (this.sent < end && this.sent < limit) this.sent += this.sendSegment(this.sent);
    if (this.sent > this.acknowledged) this.timerAt ??= now + RTO_MS;
    if (this.timerAt !== undefined && this.timerAt <= now) this.timerAt = now + RTO_MS * 2 ** this.retries;
  }

  /** Returns how far it brings the sequence. */
  private sendSegment(from: number): number {
    const length = Math.max(0, Math.min(this.segmentBytes, this.outgoingBytes - from));
    const fin = this.finishing && from + length === this.outgoingBytes;
    this.largestSegment = Math.max(this.largestSegment, length);
    this.emit(from, TCP_ACK | (length > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0), this.slice(from, length));
    return length + (fin ? 1 : 0);
  }

  private slice(from: number, length: number): Uint8Array {
    if (this.outgoing.length > 1) this.outgoing.splice(0, this.outgoing.length, concatenated(this.outgoing));
    return (this.outgoing[0] ?? NOTHING).subarray(from, from + length);
  }

  private emit(position: number, flags: number, payload: Uint8Array = NOTHING, options: Uint8Array = NOTHING): void {
    const { source, sourcePort, destination, destinationPort } = this.options;
    const acknowledgement = (flags & TCP_ACK) === 0 ? 0 : this.receiveNext;
    const numbers = { sequence: this.wire(position), acknowledgement, flags, window: 65_535 };
    const ends = { source, sourcePort, destination, destinationPort };
    this.options.send(encodeTcp({ ...ends, ...numbers, options, payload }));
  }

  /** Position -1 is the SYN. */
  private wire(position: number): number {
    return (this.options.initialSequence + 1 + position) >>> 0;
  }

  private stop(state: PlainTcpState): void {
    this.state = state;
    this.timerAt = undefined;
  }
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const OPTIONS = new TcpOptions();
const NOTHING = new Uint8Array(0);
const DEFAULT_SEGMENT_BYTES = 536;
const MAX_FLIGHT_BYTES = 16_384;
const RTO_MS = 300;
const MAX_RETRIES = 8;
const MAX_EARLY = 256;
