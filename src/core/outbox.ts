// The queue between a machine's handle() and its poll(): first in, first out, constant time per item on average.

export class Outbox<T> {
  private readonly items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  /** Places held, taken ones included: bounded by a small multiple of the longest the queue ever was. */
  get capacity(): number {
    return this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined; // what was taken must not stay reachable from here
    this.head += 1;
    if (this.head === this.items.length) this.discardTaken();
    else if (this.head >= COMPACT_AT && this.head * 2 >= this.items.length) this.discardTaken();
    return item;
  }

  private discardTaken(): void {
    this.items.copyWithin(0, this.head);
    this.items.length -= this.head;
    this.head = 0;
  }
}

/** Moving what is left costs at most as much as what was taken since the last move. */
const COMPACT_AT = 64;
