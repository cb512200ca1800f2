// What an acknowledgement, or none, means for what is on its way: what is lost, how much may be in the network, and
// when recovery is over. Loss is found by RACK with SACK, and by duplicate acknowledgements without.
import type { Millis } from "../core/machine.ts";
import { Cubic, initialWindow } from "./cubic.ts";
import { Delivery } from "./delivery.ts";
import { DeliveryRate } from "./delivery-rate.ts";
import { DuplicateAcks } from "./duplicate-acks.ts";
import { LossTolerance } from "./loss-tolerance.ts";
import { Rack } from "./rack.ts";
import { RateReduction } from "./rate-reduction.ts";
import { RecoveryDoubts } from "./recovery-doubts.ts";
import type { RetransmissionTimeout } from "./rto.ts";
import { Scoreboard } from "./scoreboard.ts";
import { DRAIN_ROUNDS, StandingQueue } from "./standing-queue.ts";

export class LossRecovery {
  readonly flight = new Scoreboard();
  readonly delivery = new Delivery();
  readonly congestion: Cubic;
  /** When to look again whether what is late is lost. */
  lookAgainAt: Millis | undefined;
  /** Where recovery ends; undefined when there is none. After a timeout, "timeout": everything is sent again slowly. */
  private until: number | undefined;
  afterTimeout = false;
  /** Whether the peer acknowledges selectively. */
  private selective = false;
  private mss: number;
  private readonly rack = new Rack();
  private readonly reduction = new RateReduction();
  private readonly doubts = new RecoveryDoubts();
  private readonly duplicates = new DuplicateAcks();
  private readonly queue = new StandingQueue();
  private readonly rate = new DeliveryRate();
  private readonly tolerance = new LossTolerance();
  /** The position that ends the present round trip. */
  private roundEnd = 0;
  /** The threshold to go on with when a look is over. */
  private afterLook = 0;
  /** In order, by the acknowledgement that is judged. */
  private justAcknowledged = 0;
  /** Bytes found lost since the last acknowledgement was judged. */
  private newlyLost = 0;
  /** How many more of them the queue drains. */
  private drainRounds = 0;
  private readonly rto: RetransmissionTimeout;

  constructor(mss: number, rto: RetransmissionTimeout) {
    this.mss = mss;
    this.rto = rto;
    this.congestion = new Cubic(mss);
  }

  /** The handshake is over. */
  begin(mss: number, selective: boolean, repeatedSyn: boolean): void {
    this.mss = mss;
    this.selective = selective;
    this.congestion.begin(mss, repeatedSyn);
  }

  setMss(mss: number): void {
    this.mss = mss;
    this.congestion.setMss(mss);
  }

  get recovering(): boolean {
    return this.until !== undefined;
  }

  get inNetwork(): number {
    return this.flight.inNetwork - Math.min(this.duplicates.bytes, this.flight.inNetwork);
  }

  /** Whether `bytes` more may be in the network. Something always may, or nothing would ever be acknowledged. */
  allows(bytes: number): boolean {
    const { inNetwork } = this;
    return inNetwork <= 0 || inNetwork + bytes <= this.congestion.window;
  }

  sent(bytes: number, repeated: boolean): void {
    if (repeated) this.doubts.sentAgain(bytes);
    if (this.recovering && !this.afterTimeout) this.reduction.sent(bytes);
  }

  /** `delivery` is filled. `advanced`: bytes newly acknowledged in order; `una` and `nxt` are the bounds now. */
  acknowledged(advanced: number, duplicate: boolean, una: number, nxt: number, usedBefore: number, now: Millis): void {
    const { delivery } = this;
    if (this.until !== undefined && una >= this.until) this.finish();
    this.justAcknowledged = advanced;
    let delivered = delivery.bytes;
    if (this.selective) this.findLosses(nxt, now);
    else delivered = this.countDuplicates(advanced, duplicate, nxt, now);
    const srtt = this.rto.srtt ?? 0;
    this.rate.acknowledged(delivered, srtt, now);
    if (this.tolerance.acknowledged(delivered, this.newlyLost, this.mss, srtt, now)) this.endLook();
    this.newlyLost = 0;
    this.watchQueue(una, nxt, usedBefore, now);
    if (this.recovering && !this.afterTimeout) {
      const { congestion, inNetwork, mss } = this;
      if (delivered > 0) congestion.window = this.reduction.window(delivered, inNetwork, congestion.threshold, mss);
    } else if (advanced > 0) this.grow(advanced, una, nxt, usedBefore, now);
  }

  /** The time has come that findLosses() asked for. */
  lookAgain(nxt: number, now: Millis): void {
    this.lookAgainAt = undefined;
    this.justAcknowledged = 0;
    this.findLosses(nxt, now);
  }

  /** So many bytes came twice. When all that was sent again did, the recovery was a mistake. */
  duplicateReported(bytes: number, una: number, nxt: number): void {
    this.rack.duplicateReported(una, nxt);
    if (!this.doubts.cameTwice(bytes)) return;
    this.congestion.restore(this.doubts.window, this.doubts.threshold);
    this.until = undefined;
  }

  /** Nothing was heard for a whole timeout (RFC 6298, RFC 5681 section 3.1). */
  timedOut(nxt: number): void {
    const { flight } = this;
    if (flight.head?.sacked) flight.forgetSacks();
    flight.markAllLost();
    this.duplicates.clear();
    this.doubts.end();
    this.lookAgainAt = undefined;
    this.afterLook = 0;
    this.congestion.timedOut(flight.lostBytes + flight.sackedBytes, this.afterTimeout);
    this.until = nxt;
    this.afterTimeout = true;
  }

  /** A probe repaired a loss that nobody would have noticed otherwise: it counts like any other. */
  repairedByProbe(now: Millis): void {
    if (this.recovering) return;
    this.judgeLoss(now);
    this.congestion.window = Math.min(this.congestion.window, this.congestion.threshold);
  }

  /** What was on its way before the acknowledgement that is judged: one may cover most of a flight (RFC 9937). */
  private get flightBytes(): number {
    return this.flight.inNetwork + this.flight.lostBytes + this.flight.sackedBytes + this.justAcknowledged;
  }

  /** Something was lost: how far the window is to come down. */
  private judgeLoss(now: Millis): void {
    const { tolerance, queue, rate, congestion, flightBytes } = this;
    if (!this.selective) return congestion.lost(flightBytes, 0); // nothing tells how much is lost
    if (tolerance.isLooking) return congestion.lost(flightBytes, congestion.threshold);
    const busy = Math.max(rate.bytesPerMs * queue.busy, initialWindow(this.mss));
    if (tolerance.tolerates(now)) return congestion.lost(flightBytes, queue.stands ? 0 : busy);
    congestion.lost(flightBytes, 0);
    this.afterLook = congestion.threshold;
    // Half of what keeps the path busy surely overloads nothing, unless others fill it.
    congestion.threshold = Math.min(congestion.threshold, Math.max(busy / 2, 2 * this.mss));
  }

  private endLook(): void {
    const { congestion } = this;
    congestion.threshold = Math.max(congestion.threshold, this.afterLook);
  }

  private findLosses(nxt: number, now: Millis): void {
    const { flight, rack } = this;
    rack.delivered(this.delivery, now);
    const proven = this.recovering || flight.sackedBytes > 2 * this.mss;
    const patience = rack.patience(this.rto.minRtt, this.rto.srtt ?? 0, proven);
    const lostBefore = flight.lostBytes;
    this.lookAgainAt = rack.markLost(flight, patience, now);
    if (flight.lostBytes === lostBefore) return;
    this.newlyLost += flight.lostBytes - lostBefore;
    this.enter(nxt, now);
  }

  /** Returns the bytes that are now known to have arrived, by estimate. */
  private countDuplicates(advanced: number, duplicate: boolean, nxt: number, now: Millis): number {
    const { duplicates, flight, mss } = this;
    if (advanced > 0) {
      const delivered = duplicates.advance(advanced, mss);
      // A partial acknowledgement: the next segment is missing, too (RFC 6582).
      if (this.recovering && !this.afterTimeout) flight.markHeadLost(mss);
      return delivered;
    }
    if (!duplicate) return 0;
    if (duplicates.add(mss, this.flightBytes) && !this.recovering) {
      flight.markHeadLost(mss);
      this.enter(nxt, now);
    }
    return mss;
  }

  private enter(nxt: number, now: Millis): void {
    if (this.recovering) return;
    this.until = nxt;
    this.afterTimeout = false;
    this.doubts.begin(this.congestion.window, this.congestion.threshold);
    this.judgeLoss(now);
    this.reduction.begin(this.flightBytes);
  }

  private finish(): void {
    if (!this.afterTimeout) this.congestion.window = this.congestion.threshold;
    this.until = undefined;
    this.afterTimeout = false;
    this.duplicates.clear();
    this.rack.recovered();
  }

  /** Only what arrives in order lets the window grow: what arrives behind a gap announces a loss. */
  private grow(advanced: number, una: number, nxt: number, usedBefore: number, now: Millis): void {
    const { congestion } = this;
    const used = congestion.inSlowStart ? usedBefore * 2 : usedBefore + this.mss;
    if (used < congestion.window) return congestion.unused();
    congestion.acknowledged(advanced, una, nxt, this.delivery.roundTrip(now), this.rto.srtt ?? 0, now);
  }

  /** Once in a round trip: whether what was on its way stood in a queue. */
  private watchQueue(una: number, nxt: number, used: number, now: Millis): void {
    const { queue, congestion, delivery } = this;
    const rtt = delivery.roundTrip(now);
    if (rtt !== undefined) queue.sample(rtt, now);
    if (una < this.roundEnd) return;
    this.roundEnd = nxt;
    const share = queue.endRound(now);
    if (this.drainRounds > 0) {
      this.drainRounds -= 1;
      if (this.drainRounds === 0) congestion.drained();
    } else if (!this.recovering && queue.takeDrain()) {
      this.drainRounds = DRAIN_ROUNDS;
      congestion.drain();
    } else if (share === 1) {
      if (!this.recovering) congestion.mayGrow(used);
    } else if (share !== undefined) congestion.giveWay(used * share);
  }
}
