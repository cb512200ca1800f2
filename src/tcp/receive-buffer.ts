// Bytes of the peer, put in order: each is copied once, to its own place in a page, and read as a view from there.
// Pages are taken when bytes come and given back when they are consumed: an idle connection holds none.
import { ByteRanges } from "./byte-ranges.ts";
import type { PagePool } from "./page-pool.ts";

export class ReceiveBuffer {
  /** The position of the next byte that is missing: everything before it is there. */
  next = 1;
  /** The position of the first byte that is not consumed. */
  first = 1;
  readonly capacity: number;
  /** What came early. */
  readonly early = new ByteRanges(MAX_GAPS);
  private readonly pool: PagePool;
  private readonly pages: Uint8Array[] = [];
  /** Where each page begins. Each begins where the one before it ends. */
  private readonly starts: number[] = [];
  private pageSize = MIN_PAGE;

  constructor(capacity: number, pool: PagePool) {
    this.capacity = capacity;
    this.pool = pool;
  }

  /** Bytes in order that are not consumed. */
  get readable(): number {
    return this.next - this.first;
  }

  /** Memory held for pages. */
  get held(): number {
    return this.pages.reduce((bytes, page) => bytes + page.length, 0);
  }

  /**
   * Takes bytes[from, to), whose first byte is at `position`; what is there already or lies beyond the capacity is
   * left out. False when nothing was taken.
   */
  insert(position: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = Math.max(position, this.next);
    const end = Math.min(position + to - from, this.first + this.capacity);
    if (start >= end) return false;
    if (start > this.next && !this.early.add(start, end)) return false;
    this.copyIn(start, bytes, from + start - position, end - start);
    if (start === this.next) this.next = this.early.joinTo(end);
    return true;
  }

  /**
   * The bytes in order behind the first `skip` that are not consumed, as far as they lie together: empty when there is
   * none. The view stays valid until its bytes are consumed.
   */
  view(skip: number): Uint8Array {
    const position = this.first + skip;
    if (position >= this.next) return NOTHING;
    const index = this.pageOf(position);
    const page = this.pages[index] as Uint8Array;
    const start = this.starts[index] as number;
    return page.subarray(position - start, Math.min(this.next - start, page.length));
  }

  consume(count: number): void {
    if (count > this.readable) throw new RangeError(`${count} bytes consumed of ${this.readable}`);
    this.first += count;
    let done = 0;
    while (done < this.pages.length && this.endOf(done) <= this.first) done += 1;
    if (this.first === this.next && this.early.count === 0) done = this.pages.length;
    if (done > 0) this.dropPages(done);
  }

  /** Gives up everything that is not consumed. */
  clear(): void {
    this.first = this.next;
    this.early.clear();
    this.dropPages(this.pages.length);
  }

  private copyIn(position: number, bytes: Uint8Array, from: number, length: number): void {
    this.extendTo(position + length);
    let copied = 0;
    for (let index = this.pageOf(position); copied < length; index += 1) {
      const page = this.pages[index] as Uint8Array;
      const at = position + copied - (this.starts[index] as number);
      const count = Math.min(length - copied, page.length - at);
      page.set(bytes.subarray(from + copied, from + copied + count), at);
      copied += count;
    }
  }

  /** Pages double while they do not suffice; whoever sends little gets small ones. */
  private extendTo(end: number): void {
    let reach = this.pages.length === 0 ? this.next : this.endOf(this.pages.length - 1);
    while (reach < end) {
      if (this.pages.length > 0) this.pageSize = Math.min(this.pageSize * 2, MAX_PAGE);
      this.pages.push(this.pool.take(this.pageSize));
      this.starts.push(reach);
      reach += this.pageSize;
    }
  }

  private dropPages(count: number): void {
    if (count === this.pages.length && count === 1) this.pageSize = Math.max(this.pageSize / 2, MIN_PAGE);
    for (let index = 0; index < count; index += 1) this.pool.give(this.pages[index] as Uint8Array);
    this.pages.splice(0, count);
    this.starts.splice(0, count);
  }

  /** Few pages, and mostly the last: looked for from the back. */
  private pageOf(position: number): number {
    let index = this.pages.length - 1;
    while ((this.starts[index] as number) > position) index -= 1;
    return index;
  }

  private endOf(index: number): number {
    return (this.starts[index] as number) + (this.pages[index] as Uint8Array).length;
  }
}

const NOTHING = new Uint8Array(0);
const MIN_PAGE = 2 * 1024;
const MAX_PAGE = 64 * 1024;
/** More gaps than a window has under heavy loss; what would make a further one is dropped, and comes again. */
const MAX_GAPS = 256;
