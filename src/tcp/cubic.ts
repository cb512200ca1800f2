// How much may be in the network: slow start with HyStart++, then CUBIC (RFC 9438). Windows are in bytes.
import type { Millis } from "../core/machine.ts";
import { HyStart } from "./hystart.ts";
import { DRAIN_DIVISOR, GROWTH_AFTER_QUEUE, LEAST_FOR_QUEUE } from "./standing-queue.ts";

export class Cubic {
  window: number;
  threshold = Number.POSITIVE_INFINITY;
  private mss: number;
  private slowStart = new HyStart();
  /** Where the last loss happened: the curve is flat there. */
  private plateau = 0;
  private windowAtLoss = 0;
  private epochStart: Millis | undefined;
  /** From the epoch's start to the plateau, in seconds. */
  private secondsToPlateau = 0;
  /** The window that Reno would have. */
  private reno = 0;
  private beforeDrain: number | undefined;
  /** A queue ended growth, and nothing was lost since. */
  private gaveWay = false;

  constructor(mss: number) {
    this.mss = mss;
    this.window = initialWindow(mss);
  }

  /** The handshake is over. One that had to be repeated tells of a bad path (RFC 5681 section 3.1). */
  begin(mss: number, repeatedSyn: boolean): void {
    this.mss = mss;
    this.window = repeatedSyn ? mss : initialWindow(mss);
  }

  setMss(mss: number): void {
    this.mss = mss;
    this.window = Math.max(this.window, mss);
  }

  get inSlowStart(): boolean {
    return this.window < this.threshold;
  }

  /** `srtt` smoothed, `rtt` of this acknowledgement if it tells one. */
  acknowledged(
    bytes: number,
    acknowledged: number,
    sent: number,
    rtt: Millis | undefined,
    srtt: Millis,
    now: Millis,
  ): void {
    if (this.beforeDrain !== undefined) return;
    if (!this.inSlowStart) return this.avoidCongestion(bytes, srtt, now);
    const growth = this.slowStart.growth(bytes, rtt, acknowledged, sent);
    if (growth === undefined) this.threshold = this.window;
    else this.window = Math.min(this.window + growth, Math.max(this.threshold, this.window));
  }

  /** The sender had less to send than it might: time that passes so is none in which the window may grow. */
  unused(): void {
    this.epochStart = undefined;
  }

  /**
   * The window to come to is `threshold`; when, is up to the recovery. `flight`: unacknowledged bytes; `harmless`: so many
   * are known to do no harm: that may be more than now, or a path that loses all the time would never be filled.
   */
  lost(flight: number, harmless: number): void {
    this.beforeDrain = undefined;
    this.gaveWay = false;
    this.windowAtLoss = this.window;
    this.plateau = this.window < this.plateau ? (this.window * (1 + BETA)) / 2 : this.window;
    const most = Math.max(flight, this.window, initialWindow(this.mss)) * GROWTH_IN_SPITE_OF_LOSS;
    this.threshold = Math.max(flight * BETA, Math.min(most, harmless), 2 * this.mss);
    this.epochStart = undefined;
  }

  /** A queue stands in the network although nothing is lost: on from `window`, without growing fast. */
  giveWay(window: number): void {
    this.gaveWay = true;
    this.window = Math.floor(Math.min(this.window, Math.max(window, LEAST_FOR_QUEUE)));
    this.threshold = this.window;
    this.plateau = this.window;
    this.windowAtLoss = this.window;
    this.epochStart = undefined;
  }

  /** No queue stands. Where one was what ended growth, the way back up is quicker than after a loss. `used`: of the window. */
  mayGrow(used: number): void {
    if (this.gaveWay && used + this.mss >= this.window) this.window *= GROWTH_AFTER_QUEUE;
  }

  /** Lets a queue of our own drain, until drained(). */
  drain(): void {
    this.beforeDrain ??= this.window;
    this.window = Math.max(this.window / DRAIN_DIVISOR, Math.min(this.window, 2 * this.mss));
    this.epochStart = undefined;
  }

  /** Fills the pipe again as it was. */
  drained(): void {
    this.window = Math.max(this.window, this.beforeDrain ?? 0);
    this.beforeDrain = undefined;
  }

  /** Nothing was lost after all: back to what was before. */
  restore(window: number, threshold: number): void {
    this.window = Math.max(this.window, window);
    this.threshold = Math.max(this.threshold, threshold);
    this.epochStart = undefined;
  }

  timedOut(flight: number, again: boolean): void {
    if (!again) this.lost(flight, 0);
    this.plateau = 0;
    this.epochStart = undefined;
    this.window = this.mss;
    this.slowStart = new HyStart();
  }

  /** After a silence longer than a timeout what was learnt about the path is old (RFC 5681 section 4.1). */
  idled(): void {
    this.beforeDrain = undefined;
    this.window = Math.min(this.window, initialWindow(this.mss));
    this.epochStart = undefined;
    this.slowStart = new HyStart();
  }

  private avoidCongestion(bytes: number, srtt: Millis, now: Millis): void {
    if (this.epochStart === undefined) this.beginEpoch(now);
    const seconds = (now - (this.epochStart as Millis)) / 1000;
    const growing = this.reno >= this.windowAtLoss ? 1 : RENO_ALPHA;
    this.reno += (growing * bytes * this.mss) / this.window;
    if (this.curve(seconds) < this.reno) {
      this.window = Math.max(this.window, this.reno);
      return;
    }
    const target = Math.min(Math.max(this.curve(seconds + srtt / 1000), this.window), this.window * 1.5);
    this.window += ((target - this.window) * bytes) / this.window;
  }

  private beginEpoch(now: Millis): void {
    this.epochStart = now;
    this.reno = this.window;
    this.plateau = Math.max(this.plateau, this.window);
    this.secondsToPlateau = Math.cbrt((this.plateau - this.window) / this.mss / C);
  }

  private curve(seconds: number): number {
    return C * (seconds - this.secondsToPlateau) ** 3 * this.mss + this.plateau;
  }
}

/** RFC 6928. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

const GROWTH_IN_SPITE_OF_LOSS = 1.25;
const C = 0.4;
const BETA = 0.7;
const RENO_ALPHA = (3 * (1 - BETA)) / (1 + BETA);
