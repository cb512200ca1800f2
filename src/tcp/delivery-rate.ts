// How fast the path delivers: the greatest rate of a while, because an application that has little to send shows a smaller
// one.
import type { Millis } from "../core/machine.ts";

export class DeliveryRate {
  /** Bytes per millisecond, of the present period and of the one before. */
  private present = 0;
  private before = 0;
  private period = Number.NaN;
  /** The sample that is being taken. */
  private began: Millis | undefined;
  private delivered = 0;

  /** Bytes per millisecond; 0 before anything is known. */
  get bytesPerMs(): number {
    return Math.max(this.present, this.before);
  }

  /** `delivered`: bytes that one acknowledgement told of. */
  acknowledged(delivered: number, srtt: Millis, now: Millis): void {
    if (this.began === undefined) {
      this.began = now; // what arrives now was sent before
      return;
    }
    this.delivered += delivered;
    const elapsed = now - this.began;
    if (elapsed < Math.max(srtt, SHORTEST_SAMPLE_MS)) return;
    this.turn(now);
    this.present = Math.max(this.present, this.delivered / elapsed);
    this.began = now;
    this.delivered = 0;
  }

  private turn(now: Millis): void {
    const period = Math.floor(now / PERIOD_MS);
    if (period === this.period) return;
    this.before = period === this.period + 1 ? this.present : 0;
    this.present = 0;
    this.period = period;
  }
}

/** Acknowledgements come in bursts: in a shorter time a burst would be taken for a rate. */
const SHORTEST_SAMPLE_MS = 20;
const PERIOD_MS = 2_000;
