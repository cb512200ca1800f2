// What one acknowledgement told: how much arrived that was not known to have, how long it took, and which of it was
// sent last. Filled by the scoreboard, read by everything that learns from it; one instance serves a connection.
import type { Millis } from "../core/machine.ts";
import type { Run } from "./scoreboard.ts";

export class Delivery {
  /** Bytes newly known to have arrived, in order or not. */
  bytes = 0;
  /** When the earliest and the latest sent of them left, of those sent once only (Karn's rule). */
  earliestSentAt: Millis | undefined;
  latestSentAt: Millis | undefined;
  /** Some of it was sent more than once. */
  ambiguous = false;
  /** Whether something arrived behind which, as was known before, more had arrived: the network reordered it. */
  reordered = false;
  /** Of what was sent last of all of it: when, in which batch, and where it ends. */
  lastSentAt: Millis = 0;
  lastBatch = 0;
  lastEnd = 0;
  /** The highest position that was ever known to have arrived. Stays from one acknowledgement to the next. */
  highest = 0;

  private now: Millis = 0;
  private minRtt: Millis = 0;

  begin(now: Millis, minRtt: Millis): void {
    this.now = now;
    this.minRtt = minRtt;
    this.bytes = 0;
    this.earliestSentAt = undefined;
    this.latestSentAt = undefined;
    this.ambiguous = false;
    this.reordered = false;
    this.lastBatch = 0;
    this.lastEnd = 0;
  }

  /** The shortest of what was sent once only; undefined when there is nothing of that. */
  roundTrip(now: Millis): Millis | undefined {
    return this.latestSentAt === undefined ? undefined : now - this.latestSentAt;
  }

  /** `length` bytes of the run, up to `end`. Within one acknowledgement the lowest come first. */
  add(run: Run, end: number, length: number): void {
    this.bytes += length;
    if (run.retransmitted) this.ambiguous = true;
    else {
      if (this.earliestSentAt === undefined || run.sentAt < this.earliestSentAt) this.earliestSentAt = run.sentAt;
      if (this.latestSentAt === undefined || run.sentAt > this.latestSentAt) this.latestSentAt = run.sentAt;
      if (end < this.highest) this.reordered = true;
    }
    this.highest = Math.max(this.highest, end);
    // An answer to a retransmission that is quicker than the path answers the original.
    if (run.retransmitted && this.now - run.sentAt < this.minRtt) return;
    if (!isSentAfter(run.batch, end, this.lastBatch, this.lastEnd)) return;
    this.lastSentAt = run.sentAt;
    this.lastBatch = run.batch;
    this.lastEnd = end;
  }
}

/** Within a batch, what was sent was sent in the order of the stream. */
export function isSentAfter(batch: number, end: number, otherBatch: number, otherEnd: number): boolean {
  return batch > otherBatch || (batch === otherBatch && end > otherEnd);
}
