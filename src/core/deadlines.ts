// One deadline per key: the earliest is known at once, changing or clearing any of them costs O(log n).
import type { Millis } from "./machine.ts";

/** An indexed binary heap. Keys that expire at the same time come out in no particular order. */
export class Deadlines<K> {
  private readonly heap: Entry<K>[] = [];
  private readonly entries = new Map<K, Entry<K>>();

  get size(): number {
    return this.heap.length;
  }

  get(key: K): Millis | undefined {
    return this.entries.get(key)?.at;
  }

  /** Replaces the key's deadline if it has one. */
  set(key: K, at: Millis): void {
    const known = this.entries.get(key);
    if (known === undefined) {
      const entry = { key, at, index: this.heap.length };
      this.entries.set(key, entry);
      this.heap.push(entry);
      this.siftUp(entry);
      return;
    }
    const earlier = at < known.at;
    known.at = at;
    if (earlier) this.siftUp(known);
    else this.siftDown(known);
  }

  clear(key: K): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.remove(entry);
  }

  /** The earliest deadline. */
  next(): Millis | undefined {
    return this.heap[0]?.at;
  }

  /** Removes and returns one key whose deadline is at or before `now`. Call until undefined. */
  takeExpired(now: Millis): K | undefined {
    const first = this.heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.remove(first);
    return first.key;
  }

  private remove(entry: Entry<K>): void {
    this.entries.delete(entry.key);
    const last = this.heap.pop();
    if (last === undefined || last === entry) return;
    this.place(last, entry.index);
    this.siftUp(last);
    this.siftDown(last);
  }

  private siftUp(entry: Entry<K>): void {
    while (entry.index > 0) {
      const above = (entry.index - 1) >> 1;
      const parent = this.heap[above];
      if (parent === undefined || parent.at <= entry.at) return;
      this.place(parent, entry.index);
      this.place(entry, above);
    }
  }

  private siftDown(entry: Entry<K>): void {
    for (;;) {
      const left = this.heap[entry.index * 2 + 1];
      const right = this.heap[entry.index * 2 + 2];
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (child === undefined || child.at >= entry.at) return;
      const below = child.index;
      this.place(child, entry.index);
      this.place(entry, below);
    }
  }

  private place(entry: Entry<K>, index: number): void {
    this.heap[index] = entry;
    entry.index = index;
  }
}

interface Entry<K> {
  readonly key: K;
  at: Millis;
  /** Where it is in the heap. */
  index: number;
}
