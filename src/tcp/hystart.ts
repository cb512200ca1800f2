// Leaves slow start before a queue overflows (RFC 9406, HyStart++): when round trips grow from one round to the next,
// growth goes on at a quarter of the pace, and if they do not shrink again within five rounds slow start is over.
import type { Millis } from "../core/machine.ts";

export class HyStart {
  /** The position that ends the current round. */
  private roundEnd = 0;
  private samples = 0;
  private roundMin: Millis = Number.POSITIVE_INFINITY;
  private lastRoundMin: Millis = Number.POSITIVE_INFINITY;
  /** Of the round that made us careful; infinite while we are not. */
  private baseline: Millis = Number.POSITIVE_INFINITY;
  private carefulRounds = 0;

  /** Takes the bytes and the round trip of one acknowledgement. Returns by how much to grow; undefined: enough. */
  growth(bytes: number, rtt: Millis | undefined, acknowledged: number, sent: number): number | undefined {
    if (rtt !== undefined) this.sample(rtt);
    const careful = this.baseline !== Number.POSITIVE_INFINITY;
    if (acknowledged >= this.roundEnd) {
      this.beginRound(sent);
      if (careful) this.carefulRounds += 1;
      if (this.carefulRounds >= CAREFUL_ROUNDS) return undefined;
    }
    // However much one acknowledgement covers: the tunnel below spaces out what leaves here.
    return careful ? bytes / CAREFUL_DIVISOR : bytes;
  }

  private sample(rtt: Millis): void {
    this.samples += 1;
    this.roundMin = Math.min(this.roundMin, rtt);
    if (this.samples < SAMPLES_NEEDED) return;
    if (this.baseline !== Number.POSITIVE_INFINITY) {
      if (this.roundMin >= this.baseline) return;
      this.baseline = Number.POSITIVE_INFINITY;
      this.carefulRounds = 0;
      return;
    }
    const tolerance = Math.min(Math.max(this.lastRoundMin / 8, MIN_TOLERANCE_MS), MAX_TOLERANCE_MS);
    if (this.roundMin >= this.lastRoundMin + tolerance) this.baseline = this.roundMin;
  }

  private beginRound(end: number): void {
    this.roundEnd = end;
    this.samples = 0;
    this.lastRoundMin = this.roundMin;
    this.roundMin = Number.POSITIVE_INFINITY;
  }
}

const SAMPLES_NEEDED = 8;
const MIN_TOLERANCE_MS = 4;
const MAX_TOLERANCE_MS = 16;
const CAREFUL_DIVISOR = 4;
const CAREFUL_ROUNDS = 5;
