// A map with a limit whose entries lapse when nobody used them for a while. Every operation costs O(1).
// Entries form a list in order of their last use; the least recently used one is at the front.
import type { Millis } from "./machine.ts";

export interface ExpiringMapOptions<K, V> {
  readonly limit: number;
  /** How long an entry stays without use. */
  readonly idleMs: Millis;
  /** Told of a lapsed entry that set() displaced from a full map before takeExpired() returned it. */
  readonly onEvict?: (key: K, value: V) => void;
}

/** An entry stays usable until delete(), takeExpired() or a displacement removes it, even when its time is over. */
export class ExpiringMap<K, V> {
  private readonly options: ExpiringMapOptions<K, V>;
  private readonly entries = new Map<K, Entry<K, V>>();
  private front: Entry<K, V> | undefined;
  private back: Entry<K, V> | undefined;

  constructor(options: ExpiringMapOptions<K, V>) {
    if (!(options.limit >= 1)) throw new RangeError(`limit must be at least 1, not ${options.limit}`);
    this.options = options;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Counts as use. */
  get(key: K, now: Millis): V | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.use(entry, now);
    return entry.value;
  }

  /** Does not count as use. */
  peek(key: K): V | undefined {
    return this.entries.get(key)?.value;
  }

  /** Adds or replaces, and counts as use. False: the map is full of entries that have not lapsed. */
  set(key: K, value: V, now: Millis): boolean {
    const known = this.entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.use(known, now);
      return true;
    }
    if (this.entries.size >= this.options.limit && !this.displaceLapsed(now)) return false;
    const entry: Entry<K, V> = { key, value, usedAt: now, before: undefined, after: undefined };
    this.entries.set(key, entry);
    this.append(entry);
    return true;
  }

  delete(key: K): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.remove(entry);
    return true;
  }

  /** When the first entry lapses. */
  next(): Millis | undefined {
    return this.front === undefined ? undefined : this.front.usedAt + this.options.idleMs;
  }

  /** Removes and returns one lapsed entry. Call until undefined. */
  takeExpired(now: Millis): [K, V] | undefined {
    const entry = this.front;
    if (entry === undefined || entry.usedAt + this.options.idleMs > now) return undefined;
    this.remove(entry);
    return [entry.key, entry.value];
  }

  /** The least recently used entry, which stays. */
  oldest(): [K, V] | undefined {
    return this.front === undefined ? undefined : [this.front.key, this.front.value];
  }

  /** From the least to the most recently used. The map must not change meanwhile. */
  *values(): IterableIterator<V> {
    for (let entry = this.front; entry !== undefined; entry = entry.after) yield entry.value;
  }

  private displaceLapsed(now: Millis): boolean {
    const lapsed = this.takeExpired(now);
    if (lapsed === undefined) return false;
    this.options.onEvict?.(lapsed[0], lapsed[1]);
    return true;
  }

  private use(entry: Entry<K, V>, now: Millis): void {
    entry.usedAt = now;
    if (entry === this.back) return;
    this.unlink(entry);
    this.append(entry);
  }

  private remove(entry: Entry<K, V>): void {
    this.entries.delete(entry.key);
    this.unlink(entry);
  }

  private append(entry: Entry<K, V>): void {
    entry.before = this.back;
    entry.after = undefined;
    if (this.back === undefined) this.front = entry;
    else this.back.after = entry;
    this.back = entry;
  }

  private unlink(entry: Entry<K, V>): void {
    if (entry.before === undefined) this.front = entry.after;
    else entry.before.after = entry.after;
    if (entry.after === undefined) this.back = entry.before;
    else entry.after.before = entry.before;
  }
}

interface Entry<K, V> {
  readonly key: K;
  value: V;
  usedAt: Millis;
  before: Entry<K, V> | undefined;
  after: Entry<K, V> | undefined;
}
