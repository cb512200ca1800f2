// Which packet leaves next: a reset, a piece of our stream, a bare acknowledgement or a question to a silent peer.
import type { Millis } from "../core/machine.ts";
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from "../wire/tcp.ts";
import { MAX_SACK_BLOCKS, tcpOptionsLength } from "../wire/tcp-options.ts";
import type { ConnectionSettings } from "./connection-options.ts";
import type { Handshake } from "./handshake.ts";
import type { KeepaliveTimer } from "./keepalive-timer.ts";
import type { Receiver } from "./receiver.ts";
import { SegmentWriter } from "./segment-writer.ts";
import type { Sender } from "./sender.ts";
import { toWire } from "./sequence.ts";
import type { Timestamps } from "./timestamps.ts";

export interface OutputParts {
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly handshake: Handshake;
  readonly timestamps: Timestamps;
  readonly keepalive: KeepaliveTimer;
}

export class Output {
  private readonly settings: ConnectionSettings;
  private readonly parts: OutputParts;
  private readonly writer: SegmentWriter;
  /** Of a reset to be sent, the sequence number, and whether it acknowledges. */
  private resetSequence: number | undefined;
  private resetAcknowledges = false;

  constructor(settings: ConnectionSettings, parts: OutputParts) {
    this.settings = settings;
    this.parts = parts;
    this.writer = new SegmentWriter(settings.flow);
  }

  /** Ends what the peer believes to be a connection. `acknowledges`: with what we expect next from it. */
  reset(sequence: number, acknowledges: boolean): void {
    this.resetSequence = sequence;
    this.resetAcknowledges = acknowledges;
  }

  /** Writes one packet at `offset` and returns its length; 0 when there is none. `heard`: the peer's SYN is known. */
  transmit(out: Uint8Array, offset: number, mss: number, heard: boolean, now: Millis): number {
    this.writer.options.clear();
    const { sender } = this.parts;
    const length =
      this.resetSequence !== undefined
        ? this.writeReset(out, offset, this.resetSequence)
        : sender.space.una === 0
          ? this.writeSyn(out, offset, mss, heard, now)
          : this.writeNext(out, offset, mss, now);
    if (length > 0) this.settings.stats.segmentsSent += 1;
    return length;
  }

  /** Only the reset is left to send. */
  transmitReset(out: Uint8Array, offset: number): number {
    if (this.resetSequence === undefined) return 0;
    this.writer.options.clear();
    this.settings.stats.segmentsSent += 1;
    return this.writeReset(out, offset, this.resetSequence);
  }

  private writeReset(out: Uint8Array, offset: number, sequence: number): number {
    const { writer } = this;
    const { receiver, sender } = this.parts;
    writer.sequence = sequence;
    writer.acknowledgement = this.resetAcknowledges ? toWire(receiver.next, receiver.initial) : 0;
    writer.flags = this.resetAcknowledges ? TCP_RST | TCP_ACK : TCP_RST;
    writer.window = 0;
    const length = writer.write(out, offset, sender.space.buffer, 0, 0);
    this.resetSequence = undefined;
    this.settings.stats.resetsSent += 1;
    return length;
  }

  private writeSyn(out: Uint8Array, offset: number, mss: number, heard: boolean, now: Millis): number {
    const { sender, handshake, timestamps } = this.parts;
    if (!sender.next(0)) return 0;
    const { options } = this.writer;
    handshake.write(options, mss);
    if (handshake.timestamps) timestamps.write(options, now);
    return this.writeStream(out, offset, mss, heard ? TCP_SYN | TCP_ACK : TCP_SYN, now);
  }

  private writeNext(out: Uint8Array, offset: number, mss: number, now: Millis): number {
    const { sender, receiver, timestamps, keepalive, handshake } = this.parts;
    const { options } = this.writer;
    if (timestamps.agreed) timestamps.write(options, now);
    receiver.fillSack(options, timestamps.agreed ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS);
    if (sender.next(Math.min(mss, handshake.peerMss) - tcpOptionsLength(options))) {
      return this.writeStream(out, offset, mss, TCP_ACK, now);
    }
    if (!receiver.acks.due && !keepalive.due) return 0;
    // A question is one before what is next: no peer accepts that, so every peer answers.
    const { nxt, buffer } = sender.space;
    this.fill(receiver.acks.due ? nxt : nxt - 1, TCP_ACK, mss);
    const length = this.writer.write(out, offset, buffer, 0, 0);
    receiver.acknowledged(true);
    keepalive.due = false;
    return length;
  }

  /** What the sender chose. */
  private writeStream(out: Uint8Array, offset: number, mss: number, flags: number, now: Millis): number {
    const { sender, receiver } = this.parts;
    const { start, end } = sender;
    const { finAt, buffer } = sender.space;
    const from = Math.max(start, 1);
    const to = Math.min(end, buffer.end);
    const fin = finAt !== undefined && end > finAt ? TCP_FIN : 0;
    const push = to > from && to === buffer.end ? TCP_PSH : 0;
    this.fill(start, flags | fin | push, mss);
    const length = this.writer.write(out, offset, buffer, from, to);
    if (sender.sent(now)) this.settings.stats.retransmitted += 1;
    if ((flags & TCP_ACK) !== 0) receiver.acknowledged(false);
    return length;
  }

  private fill(position: number, flags: number, mss: number): void {
    const { writer } = this;
    const { receiver } = this.parts;
    writer.sequence = toWire(position, this.settings.initialSequence);
    writer.flags = flags;
    writer.acknowledgement = (flags & TCP_ACK) === 0 ? 0 : toWire(receiver.next, receiver.initial);
    writer.window = receiver.offerWindow(mss, (flags & TCP_SYN) !== 0);
  }
}
