// Bytes on their way to the peer, kept until acknowledged. Large pieces that were given away are kept as they are: they
// are copied once, into the packet. Small ones are gathered, because a piece costs more than copying it would. What is
// copied goes into pages that connections share, as memory that was never used before costs more than the copy.
import type { PagePool } from "./page-pool.ts";

/** "given": nobody changes the bytes any more. "lent": they are the caller's again after the call, so they are copied. */
export type Ownership = "given" | "lent";

export class SendBuffer {
  /** The position of the oldest byte that is not acknowledged. */
  first = 1;
  /** The position behind the last byte that was written. */
  end = 1;
  readonly capacity: number;
  /** How much may be kept now: as a rule, a multiple of what may be on its way. Never beyond the capacity. */
  limit: number;
  private readonly pool: PagePool;
  private readonly pieces: Uint8Array[] = [];
  /** Whether each piece is a page of the pool. */
  private readonly pooled: boolean[] = [];
  /** The position behind each piece. A piece may be longer than what is used of it. */
  private readonly ends: number[] = [];
  /** The last piece when it is one of ours that still has room. */
  private gathering: Uint8Array | undefined;
  private gathered = 0;

  constructor(capacity: number, pool: PagePool) {
    this.capacity = capacity;
    this.limit = Math.min(capacity, FIRST_LIMIT);
    this.pool = pool;
  }

  get room(): number {
    return Math.max(this.limit - (this.end - this.first), 0);
  }

  /**
   * The network takes about so much at a time: twice as much is worth keeping. A congestion window has fractions of
   * bytes, which must never reach a position of the stream.
   */
  follow(window: number): void {
    this.limit = Math.min(Math.max(Math.floor(2 * window), FIRST_LIMIT), this.capacity);
  }

  get length(): number {
    return this.end - this.first;
  }

  /** Memory of our own and of what was given. */
  get held(): number {
    return this.pieces.reduce((bytes, piece) => bytes + piece.length, 0);
  }

  /** Returns how many of the bytes it took: all, or as many as there is room for. */
  append(bytes: Uint8Array, ownership: Ownership): number {
    const length = Math.min(bytes.length, this.room);
    if (length === 0) return 0;
    if (length <= SMALL) this.gather(bytes, length);
    else {
      const piece = length === bytes.length ? bytes : bytes.subarray(0, length);
      if (ownership === "given") this.push(piece, length, false);
      else this.pushCopy(piece, length);
      this.gathering = undefined;
    }
    this.end += length;
    return length;
  }

  /** Copies the bytes [position, position + length), which must be there. */
  copyTo(out: Uint8Array, at: number, position: number, length: number): void {
    if (position < this.first || position + length > this.end) {
      throw new RangeError(`bytes ${position} to ${position + length} of ${this.first} to ${this.end}`);
    }
    let copied = 0;
    for (let index = this.pieceOf(position); copied < length; index += 1) {
      const piece = this.pieces[index] as Uint8Array;
      const from = position + copied - this.startOf(index);
      const count = Math.min(length - copied, (this.ends[index] as number) - position - copied);
      out.set(piece.subarray(from, from + count), at + copied);
      copied += count;
    }
  }

  /** Everything before `position` has arrived. */
  release(position: number): void {
    if (position <= this.first) return;
    if (position > this.end) throw new RangeError(`${position} was never written`);
    this.first = position;
    let done = 0;
    while (done < this.pieces.length && (this.ends[done] as number) <= position) done += 1;
    if (done === 0) return;
    this.firstStart = this.ends[done - 1] as number;
    for (let index = 0; index < done; index += 1) {
      if (this.pooled[index] === true) this.pool.give(this.pieces[index] as Uint8Array);
    }
    this.pieces.splice(0, done);
    this.pooled.splice(0, done);
    this.ends.splice(0, done);
    if (this.pieces.length === 0) this.gathering = undefined;
  }

  clear(): void {
    this.release(this.end);
  }

  private gather(bytes: Uint8Array, length: number): void {
    if (this.gathering === undefined || this.gathered + length > GATHER) {
      this.gathering = this.pool.take(GATHER);
      this.gathered = 0;
      this.push(this.gathering, 0, true);
    }
    this.gathering.set(length === bytes.length ? bytes : bytes.subarray(0, length), this.gathered);
    this.gathered += length;
    this.ends[this.ends.length - 1] = this.end + length;
  }

  private pushCopy(piece: Uint8Array, length: number): void {
    const page = this.pool.take(2 ** Math.ceil(Math.log2(length)));
    page.set(piece);
    this.push(page, length, true);
  }

  private push(piece: Uint8Array, length: number, pooled: boolean): void {
    if (this.pieces.length === 0) this.firstStart = this.end;
    this.pieces.push(piece);
    this.pooled.push(pooled);
    this.ends.push(this.end + length);
  }

  /** Where the first piece begins; it may be acknowledged in part. */
  private firstStart = 1;

  private startOf(index: number): number {
    return index === 0 ? this.firstStart : (this.ends[index - 1] as number);
  }

  /** The piece that holds a position: by halves, because a retransmission may be anywhere. */
  private pieceOf(position: number): number {
    let low = 0;
    let high = this.ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] as number) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Up to this length a piece is copied even if it was given: the object around it would be larger. */
const SMALL = 256;
const GATHER = 2 * 1024;
/** Before anything is known about the network. */
const FIRST_LIMIT = 512 * 1024;
