// Loss as a peer without SACK shows it (RFC 5681, RFC 6582): each duplicate acknowledgement means that a segment left
// the network, three of them that the first one missing is lost.

export class DuplicateAcks {
  count = 0;
  /** What they mean has arrived, in bytes: an estimate. */
  bytes = 0;

  /** Returns whether the head of what is on its way is now taken for lost. */
  add(mss: number, outstanding: number): boolean {
    this.count += 1;
    this.bytes = Math.min(this.bytes + mss, Math.max(outstanding - mss, 0));
    return this.count === THRESHOLD;
  }

  /** New data was acknowledged: the missing segment and what had arrived behind it. Returns what is newly known. */
  advance(acknowledged: number, mss: number): number {
    const known = Math.min(Math.max(acknowledged - mss, 0), this.bytes);
    this.bytes -= known;
    this.count = 0;
    return acknowledged - known;
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
  }
}

const THRESHOLD = 3;
