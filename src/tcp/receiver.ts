// The receiving half of a connection: which segments are of its stream, what of them is new, and what to tell the peer.
import type { Millis } from "../core/machine.ts";
import type { TcpOptions } from "../wire/tcp-options.ts";
import { AckSchedule } from "./ack-schedule.ts";
import type { PagePool } from "./page-pool.ts";
import { ReceiveAllowance } from "./receive-allowance.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { SackReport } from "./sack-report.ts";

export interface ReceiverOptions {
  readonly receiveBufferBytes: number;
  readonly delayedAckMs: Millis;
  readonly pages: PagePool;
}

export class Receiver {
  readonly buffer: ReceiveBuffer;
  readonly window: ReceiveWindow;
  readonly acks: AckSchedule;
  /** The wire number of the peer's SYN. */
  initial = 0;
  /** Whether the peer understands SACK. */
  selective = false;
  /** The position that was acknowledged last. */
  ackSent = 0;
  /** Where the peer's FIN stands, once one came. */
  private finAt: number | undefined;
  private readonly report = new SackReport();
  private readonly allowance: ReceiveAllowance;

  constructor(options: ReceiverOptions) {
    this.buffer = new ReceiveBuffer(options.receiveBufferBytes, options.pages);
    this.allowance = new ReceiveAllowance(options.receiveBufferBytes);
    this.window = new ReceiveWindow(this.allowance.bytes);
    this.acks = new AckSchedule(options.delayedAckMs);
  }

  /** The position that is expected next: what is acknowledged. */
  get next(): number {
    return this.buffer.next + (this.finished ? 1 : 0);
  }

  /** Everything that the peer will ever send is there. */
  get finished(): boolean {
    return this.finAt === this.buffer.next;
  }

  /**
   * Whether a segment belongs into the window (RFC 9293 section 3.4). One right behind it counts, too: with the window
   * full or closed, that is where the peer's acknowledgements come from.
   */
  accepts(position: number, length: number): boolean {
    if (position > Math.max(this.window.edge, this.next)) return false;
    return length === 0 ? position >= this.next : position + length > this.next;
  }

  /** Takes bytes[from, to) of an accepted segment, and the FIN behind them if there is one. */
  take(position: number, bytes: Uint8Array, from: number, to: number, fin: boolean, now: Millis): void {
    const { buffer, acks } = this;
    let length = to - from;
    if (fin && position + length <= Math.max(this.window.edge, this.next)) this.finAt ??= position + length;
    if (this.finAt !== undefined) length = Math.min(length, this.finAt - position);
    const before = buffer.next;
    const hadGap = buffer.early.count > 0;
    if (length > 0 && !this.isKnown(position, position + length)) {
      const taken = buffer.insert(position, bytes, from, from + length);
      if (this.selective && taken && position > before) this.report.early(position, buffer.early);
      if (taken && buffer.next > before && !hadGap) acks.received(buffer.next - before, now);
      else if (buffer.early.count > 0) this.acknowledgeGap();
      else acks.now();
    }
    if (fin || this.finished) acks.now();
  }

  /** Whether what begins here came before, and not so long ago that it is made up. */
  isRecent(position: number): boolean {
    return position < this.next && position >= this.next - this.buffer.capacity;
  }

  /** All of it came before: the peer did not hear of that. */
  duplicate(position: number, length: number): void {
    if (this.selective) this.report.duplicate(position, position + length);
    this.acks.now();
  }

  /** So many bytes came in order, and how old the timestamp was that they echoed. */
  arrived(count: number, rtt: Millis | undefined, now: Millis): void {
    this.allowance.arrive(count, rtt, now);
  }

  /** The application took so much that the window opens: tell the peer if that is worth a segment. */
  consumed(count: number, step: number): void {
    this.buffer.consume(count);
    this.allowance.take(count);
    this.window.resize(this.allowance.bytes);
    if (!this.finished && this.window.isUpdateDue(this.next, this.limit, step)) this.acks.now();
  }

  offerWindow(step: number, isSyn: boolean): number {
    return this.window.offer(this.next, this.limit, step, isSyn);
  }

  /** `most`: how many blocks fit into the segment. */
  fillSack(options: TcpOptions, most: number): void {
    if (this.selective) this.report.fill(options, this.buffer.early, this.initial, most);
  }

  /** A segment with ACK, window and these blocks has left. `bare`: without anything of the stream. */
  acknowledged(bare: boolean): void {
    this.ackSent = this.next;
    this.acks.sent(bare);
    this.report.sent();
    if (this.report.hasMore) this.acks.now();
  }

  stop(): void {
    this.acks.stop();
  }

  private get limit(): number {
    return this.buffer.first + this.allowance.bytes;
  }

  private isKnown(start: number, end: number): boolean {
    if (end > this.buffer.next && this.buffer.early.find(start, end) < 0) return false;
    this.duplicate(start, end - start);
    return true;
  }

  private acknowledgeGap(): void {
    this.acks.another(this.selective ? GAP_ACKS : GAP_ACKS_WITHOUT_SACK);
  }
}

/** Of the acknowledgements that tell of a gap all may get lost, and then only a timeout helps. */
const GAP_ACKS = 2;
/** A peer without SACK counts them, and sends one segment for each. */
const GAP_ACKS_WITHOUT_SACK = 16;
