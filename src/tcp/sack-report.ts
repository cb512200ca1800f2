// What to tell the peer of bytes that came early (RFC 2018), and of what came twice (RFC 2883). When more blocks came in
// one go than a segment holds, several segments tell of them, the earliest first: a peer takes what it is not told of,
// although it hears of later blocks, for lost.
import { MAX_SACK_BLOCKS, type TcpOptions } from "../wire/tcp-options.ts";
import type { ByteRanges } from "./byte-ranges.ts";
import { toWire } from "./sequence.ts";

export class SackReport {
  /** A position within each block that the peer has not heard of, in the order in which they came. */
  private readonly news: number[] = [];
  /** Of blocks that it was told of: the latest first. They are repeated, because acknowledgements get lost. */
  private readonly told: number[] = [];
  private newsInSegment = 0;
  /** Start and end of each segment that came twice, in the order in which they came. */
  private readonly duplicates: number[] = [];

  /** Whether a segment more is needed to tell everything. */
  get hasMore(): boolean {
    return this.news.length > 0 || this.duplicates.length > 0;
  }

  /** A segment that begins here came early. */
  early(position: number, ranges: ByteRanges): void {
    const last = this.news[this.news.length - 1];
    const isSameBlock = last !== undefined && ranges.find(Math.min(last, position), Math.max(last, position) + 1) >= 0;
    if (isSameBlock || this.news.length >= MAX_NEWS) this.news.pop();
    this.news.push(position);
  }

  duplicate(start: number, end: number): void {
    if (this.duplicates.length < MAX_DUPLICATES * 2) this.duplicates.push(start, end);
  }

  /** Adds to the options of a segment; `most` blocks fit. Nothing changes until that segment has left. */
  fill(options: TcpOptions, ranges: ByteRanges, initial: number, most: number): void {
    this.newsInSegment = 0;
    const [start, end] = this.duplicates;
    if (start !== undefined && end !== undefined) options.addSackBlock(toWire(start, initial), toWire(end, initial));
    if (ranges.count === 0) return this.forget();
    this.newsInSegment = Math.min(this.news.length, most - options.sackBlocks);
    let used = 0; // one bit for each range; those beyond 31 share one, which costs at most a repetition
    for (let i = this.newsInSegment - 1; i >= 0; i -= 1)
      used = add(this.news[i] as number, options, ranges, initial, used);
    for (const position of this.told) {
      if (options.sackBlocks >= most) return;
      used = add(position, options, ranges, initial, used);
    }
  }

  /** The segment whose options were filled has left. */
  sent(): void {
    if (this.duplicates.length > 0) this.duplicates.splice(0, 2);
    if (this.newsInSegment === 0) return;
    for (let i = 0; i < this.newsInSegment; i += 1) this.told.unshift(this.news[i] as number);
    this.news.splice(0, this.newsInSegment);
    this.newsInSegment = 0;
    if (this.told.length > MAX_SACK_BLOCKS * 2) this.told.length = MAX_SACK_BLOCKS * 2;
  }

  /** There are no gaps any more. */
  private forget(): void {
    if (this.news.length > 0) this.news.length = 0;
    if (this.told.length > 0) this.told.length = 0;
  }
}

/** Returns the ranges used so far, as bits. */
function add(position: number, options: TcpOptions, ranges: ByteRanges, initial: number, used: number): number {
  const index = ranges.find(position, position + 1);
  const bit = 1 << Math.min(index, 31);
  if (index < 0 || (used & bit) !== 0) return used;
  options.addSackBlock(toWire(ranges.starts[index] as number, initial), toWire(ranges.ends[index] as number, initial));
  return used | bit;
}

/** Blocks of one go that are told of one by one; of further ones only the latest is. */
const MAX_NEWS = 64;
/** Segments that come twice in one go and are told of; a segment tells of one. */
const MAX_DUPLICATES = 8;
