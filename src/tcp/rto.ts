// How long to wait for an acknowledgement (RFC 6298). Karn's rule is kept by the callers: a segment that was sent twice
// gives no sample, unless timestamps say which of the two was answered. Until there is a sample, back-off stays.
import type { Millis } from "../core/machine.ts";

export interface RtoLimits {
  /** RFC 6298 asks for a second; kernels have used a fifth for decades, and so should a path of milliseconds. */
  readonly minRtoMs: Millis;
  readonly maxRtoMs: Millis;
}

export class RetransmissionTimeout {
  /** Smoothed; undefined before the first sample. */
  srtt: Millis | undefined;
  /** The shortest round trip ever seen. */
  minRtt: Millis = Number.POSITIVE_INFINITY;
  private variation: Millis = 0;
  private base: Millis = INITIAL_RTO_MS;
  private doublings = 0;
  private readonly limits: RtoLimits;

  constructor(limits: RtoLimits) {
    this.limits = limits;
  }

  get current(): Millis {
    return Math.min(this.base * 2 ** this.doublings, this.limits.maxRtoMs);
  }

  /** `shortest`: of several answers in one, the one that waited least. */
  sample(rtt: Millis, shortest = rtt): void {
    if (this.srtt === undefined) {
      this.srtt = rtt;
      this.variation = rtt / 2;
    } else {
      this.variation += (Math.abs(this.srtt - rtt) - this.variation) / 4;
      this.srtt += (rtt - this.srtt) / 8;
    }
    this.minRtt = Math.min(this.minRtt, shortest);
    const timeout = this.srtt + Math.max(CLOCK_GRANULARITY_MS, 4 * this.variation);
    this.base = Math.min(Math.max(timeout, this.limits.minRtoMs), this.limits.maxRtoMs);
    this.doublings = 0;
  }

  backOff(): void {
    if (this.current < this.limits.maxRtoMs) this.doublings += 1;
  }

  /** The path is known to work again: what was learnt while it did not is void. */
  forgetBackOff(): void {
    this.doublings = 0;
  }

  /** A SYN had to be repeated and nothing tells how long its answer took (RFC 6298, rule 5.7). */
  handshakeRepeated(): void {
    if (this.srtt !== undefined) return;
    this.base = AFTER_REPEATED_SYN_MS;
    this.doublings = 0;
  }
}

const INITIAL_RTO_MS = 1_000;
const AFTER_REPEATED_SYN_MS = 3_000;
const CLOCK_GRANULARITY_MS = 1;
