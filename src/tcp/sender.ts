// The sending half of a connection: what to send next, what an acknowledgement changes, and when to act without one.
// SYN and FIN are positions of the stream like bytes, so that their loss is found and mended like that of bytes.
import { earlier, type Millis } from "../core/machine.ts";
import type { TcpOptions } from "../wire/tcp-options.ts";
import { LossRecovery } from "./loss-recovery.ts";
import type { PagePool } from "./page-pool.ts";
import { RetransmissionTimer, type TimerPurpose } from "./retransmission-timer.ts";
import { RetransmissionTimeout, type RtoLimits } from "./rto.ts";
import { readSackBlocks } from "./sack-blocks.ts";
import type { Segment } from "./segment.ts";
import type { Ownership } from "./send-buffer.ts";
import { SendSpace } from "./send-space.ts";
import type { TcpStats } from "./stats.ts";
import { TailProbe } from "./tail-probe.ts";

export interface SenderOptions extends RtoLimits {
  readonly initialSequence: number;
  readonly sendBufferBytes: number;
  readonly nagle: boolean;
  readonly mss: number;
  readonly stats: TcpStats;
  readonly pages: PagePool;
}

export class Sender {
  readonly space: SendSpace;
  /** What next() chose: [start, end). */
  start = 0;
  end = 0;
  /** When progress was last made, or waiting for it began. */
  lastProgress: Millis = 0;
  private readonly options: SenderOptions;
  private readonly rto: RetransmissionTimeout;
  private readonly recovery: LossRecovery;
  private readonly tailProbe = new TailProbe();
  private readonly timer = new RetransmissionTimer();
  /** A probe is due, whatever the windows say. */
  private probing: "tail" | "window" | undefined;
  /** Bytes for one segment, with no options but those that every segment has. */
  private mss: number;
  private selective = false;
  private synRepeated = false;

  constructor(options: SenderOptions) {
    this.options = options;
    this.mss = options.mss;
    this.space = new SendSpace(options.sendBufferBytes, options.pages);
    this.rto = new RetransmissionTimeout(options);
    this.recovery = new LossRecovery(options.mss, this.rto);
  }

  /** The handshake is over, and what the peer can do is known. */
  begin(mss: number, selective: boolean): void {
    this.mss = mss;
    this.selective = selective;
    if (this.synRepeated) this.rto.handshakeRepeated();
    this.recovery.begin(mss, selective, this.synRepeated);
  }

  /** The peer asked for the SYN again. */
  repeatSyn(): void {
    this.recovery.flight.markAllLost();
  }

  setMss(mss: number): void {
    this.mss = mss;
    this.recovery.setMss(mss);
  }

  /** Whether it waits for the peer: for an acknowledgement or for room. */
  get waiting(): boolean {
    return this.timer.at !== undefined;
  }

  get deadline(): Millis | undefined {
    return earlier(this.timer.at, this.recovery.lookAgainAt);
  }

  /** Returns how many of the bytes it took. */
  write(bytes: Uint8Array, ownership: Ownership, now: Millis): number {
    const taken = this.space.buffer.append(bytes, ownership);
    this.arm(now);
    return taken;
  }

  /** The FIN follows what was written. */
  finish(now: Millis): void {
    this.space.finAt ??= this.space.buffer.end;
    this.arm(now);
  }

  /** Chooses the next segment of at most `maxPayload` bytes: `start` and `end` tell it. False: nothing may be sent now. */
  next(maxPayload: number): boolean {
    const { space, recovery } = this;
    if (space.una === 0) return this.nextSyn();
    if (this.probing !== undefined) return this.nextProbe(maxPayload);
    const lost = recovery.flight.firstLost();
    if (lost === undefined) return this.nextNew(maxPayload);
    if (lost.start >= space.peer.edge) return false;
    const end = space.segmentEnd(lost.start, Math.min(lost.end, space.peer.edge), maxPayload);
    // The first one missing always may be sent: nothing else brings anything forward (RFC 6582).
    const may = lost.start === space.una || recovery.allows(end - lost.start);
    return may && this.choose(lost.start, end);
  }

  /** What next() chose has left. Returns whether it left before. */
  sent(now: Millis): boolean {
    const { start, end, recovery, timer, space } = this;
    const repeated = start < space.nxt;
    if (recovery.flight.head === undefined) {
      if (start > 1 && now - timer.lastSentAt > this.rto.current) recovery.congestion.idled();
      timer.restart(now);
      this.lastProgress = now;
    }
    if (repeated) recovery.flight.resent(start, end, now);
    else recovery.flight.sent(start, end, now);
    if (repeated && start === space.una) timer.restart(now);
    space.nxt = Math.max(space.nxt, end);
    timer.lastSentAt = now;
    recovery.sent(end - start, repeated);
    if (this.probing === "tail") this.tailProbe.sent(space.nxt, repeated);
    this.probing = undefined;
    this.arm(now);
    return repeated;
  }

  /** `position` and `sequence`: what the segment acknowledges and where it begins; `echoedRtt`: what timestamps tell. */
  acknowledge(position: number, sequence: number, segment: Segment, echoedRtt: Millis | undefined, now: Millis): void {
    const { recovery, space } = this;
    const { peer, una } = space;
    const usedBefore = recovery.inNetwork;
    const edgeBefore = peer.edge;
    const advanced = Math.max(position - una, 0);
    recovery.delivery.begin(now, this.rto.minRtt);
    if (advanced > 0) this.advance(position, now);
    const cameTwice = this.selective ? this.readSacks(segment.options, position) : 0;
    peer.update(sequence, position, segment.window, segment.isSyn);
    if (advanced === 0 && edgeBefore <= una && peer.edge > una) this.roomAtLast();
    this.sampleRtt(advanced > 0 ? echoedRtt : undefined, now);
    const isBare = segment.length === 0 && peer.edge === edgeBefore;
    const duplicate = advanced === 0 && isBare && recovery.flight.head !== undefined;
    recovery.acknowledged(advanced, duplicate, space.una, space.nxt, usedBefore, now);
    if (cameTwice > 0) recovery.duplicateReported(cameTwice, space.una, space.nxt);
    if (this.tailProbe.acknowledged(space.una, cameTwice > 0, advanced > 0)) recovery.repairedByProbe(now);
    if (recovery.delivery.bytes > 0) this.tailProbe.heard();
    if (this.timer.purpose === "window-probe") this.lastProgress = now;
    space.buffer.follow(recovery.congestion.window);
    this.arm(now);
  }

  handleTimeout(now: Millis): void {
    const { lookAgainAt } = this.recovery;
    if (lookAgainAt !== undefined && now >= lookAgainAt) {
      this.recovery.lookAgain(this.space.nxt, now);
      this.arm(now);
    }
    if (this.timer.at === undefined || now < this.timer.at) return;
    this.timer.restart(now);
    // When what is to be sent again has not left yet, because the caller had no room, silence means nothing.
    const unsent = this.next(this.mss) && (this.start < this.space.nxt || this.probing !== undefined);
    if (!unsent) this.expire();
    this.arm(now);
  }

  /** The path is known to work again after it did not: what was lost meanwhile need not wait for its timer. */
  pathRestored(now: Millis): void {
    this.rto.forgetBackOff();
    if (this.timer.at === undefined) return;
    if (this.timer.purpose === "window-probe") this.probing = "window";
    else this.recovery.flight.markAllLost();
    this.timer.restart(now);
    this.arm(now);
  }

  /** Nothing will be sent any more. */
  stop(): void {
    const { space } = this;
    space.buffer.clear();
    space.nxt = space.available;
    space.una = space.nxt;
    this.recovery.flight.clear();
    this.recovery.lookAgainAt = undefined;
    this.timer.at = undefined;
    this.probing = undefined;
  }

  private nextSyn(): boolean {
    const { head } = this.recovery.flight;
    return (this.space.nxt === 0 || head?.lost === true) && this.choose(0, 1);
  }

  private nextProbe(maxPayload: number): boolean {
    const { space } = this;
    const { head, last } = this.recovery.flight;
    if (this.probing === "window") {
      const end = head === undefined ? space.segmentEnd(space.una, space.limit, maxPayload) : space.una;
      return this.choose(space.una, Math.max(end, space.una + 1));
    }
    const end = space.segmentEnd(space.nxt, space.limit, maxPayload);
    if (end > space.nxt) return this.choose(space.nxt, end);
    if (last?.sacked === false) return this.choose(Math.max(last.start, last.end - maxPayload), last.end);
    if (head !== undefined) return this.choose(head.start, Math.min(head.end, head.start + maxPayload));
    this.probing = undefined;
    return this.nextNew(maxPayload);
  }

  private nextNew(maxPayload: number): boolean {
    const { space, options } = this;
    const end = space.segmentEnd(space.nxt, space.limit, maxPayload);
    const length = end - space.nxt;
    if (length <= 0 || space.isSilly(end, maxPayload)) return false;
    const isSmall = length < maxPayload && space.finAt === undefined;
    if (options.nagle && isSmall && space.una < space.nxt) return false;
    return this.recovery.allows(length) && this.choose(space.nxt, end);
  }

  private choose(start: number, end: number): true {
    this.start = start;
    this.end = end;
    return true;
  }

  private advance(position: number, now: Millis): void {
    const { space } = this;
    this.recovery.flight.acknowledge(position, this.recovery.delivery);
    space.una = position;
    space.buffer.release(Math.min(position, space.buffer.end));
    this.timer.restart(now);
    this.lastProgress = now;
    if (this.probing === "tail") this.probing = undefined;
  }

  /** Returns how many bytes the peer reports to have come twice. */
  private readSacks(options: TcpOptions, acknowledged: number): number {
    const { flight, delivery } = this.recovery;
    const { una, nxt } = this.space;
    return readSackBlocks(options, this.options.initialSequence, acknowledged, una, nxt, flight, delivery);
  }

  private sampleRtt(echoed: Millis | undefined, now: Millis): void {
    const { earliestSentAt, latestSentAt, ambiguous } = this.recovery.delivery;
    if (earliestSentAt !== undefined && latestSentAt !== undefined) {
      this.rto.sample(now - earliestSentAt, now - latestSentAt);
    } else if (ambiguous && echoed !== undefined) this.rto.sample(echoed, Number.POSITIVE_INFINITY);
  }

  /** What was sent into the closed window was not taken; that says nothing about the path. */
  private roomAtLast(): void {
    this.rto.forgetBackOff();
    this.recovery.flight.markAllLost();
    this.probing = undefined;
  }

  private expire(): void {
    const { purpose } = this.timer;
    if (purpose === "tail-probe") {
      this.probing = "tail";
      return;
    }
    this.rto.backOff();
    if (purpose === "window-probe") {
      this.probing = "window";
      return;
    }
    this.options.stats.timeouts += 1;
    if (this.space.una === 0) {
      this.synRepeated = true;
      this.recovery.flight.markAllLost();
    } else {
      this.tailProbe.forget();
      this.recovery.timedOut(this.space.nxt);
    }
  }

  private arm(now: Millis): void {
    const { space, recovery, rto } = this;
    const oneSegment = recovery.flight.head !== undefined && space.nxt - space.una <= this.mss;
    this.timer.arm(this.purpose(), rto.current, this.tailProbe.timeout(rto.srtt ?? 0, oneSegment), now);
  }

  /** What there is to wait for. */
  private purpose(): TimerPurpose | undefined {
    const { space } = this;
    const { flight, afterTimeout } = this.recovery;
    if (flight.head === undefined) return space.isBlockedByPeer(this.mss) ? "window-probe" : undefined;
    if (space.una > 0 && space.peer.edge <= space.una) return "window-probe";
    const mayProbe = this.selective && !afterTimeout && this.rto.srtt !== undefined;
    return mayProbe && this.probing === undefined && !this.tailProbe.isExhausted ? "tail-probe" : "retransmission";
  }
}
