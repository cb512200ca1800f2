// Which stretches of a stream are there although something before them is missing. Sorted, disjoint, never touching, and
// bounded: a sender of many tiny pieces with gaps between them would otherwise decide how much we keep.

export class ByteRanges {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get count(): number {
    return this.starts.length;
  }

  /** False, and nothing changed, when it would need a further range and all are in use. */
  add(start: number, end: number): boolean {
    let first = 0; // the first range that the new one touches, if any does
    while (first < this.count && (this.ends[first] as number) < start) first += 1;
    let behind = first; // the first range that starts behind the new one
    while (behind < this.count && (this.starts[behind] as number) <= end) behind += 1;
    if (first === behind) {
      if (this.count >= this.limit) return false;
      this.starts.splice(first, 0, start);
      this.ends.splice(first, 0, end);
      return true;
    }
    const mergedEnd = Math.max(end, this.ends[behind - 1] as number);
    this.starts[first] = Math.min(start, this.starts[first] as number);
    this.ends[first] = mergedEnd;
    this.starts.splice(first + 1, behind - first - 1);
    this.ends.splice(first + 1, behind - first - 1);
    return true;
  }

  /** Removes what begins at or before `position`, and returns how far the stream now reaches without a gap. */
  joinTo(position: number): number {
    let reach = position;
    let joined = 0;
    while (joined < this.count && (this.starts[joined] as number) <= reach) {
      reach = Math.max(reach, this.ends[joined] as number);
      joined += 1;
    }
    if (joined > 0) {
      this.starts.splice(0, joined);
      this.ends.splice(0, joined);
    }
    return reach;
  }

  /** The index of the range that holds all of [start, end), or -1. */
  find(start: number, end: number): number {
    for (let i = 0; i < this.count; i += 1) {
      if ((this.starts[i] as number) <= start && end <= (this.ends[i] as number)) return i;
    }
    return -1;
  }

  clear(): void {
    this.starts.length = 0;
    this.ends.length = 0;
  }
}
