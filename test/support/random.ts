// Seeded chance for simulations: every number follows from the seed, and a failing seed is named and repeatable.

/** mulberry32: small, fast, and good enough to vary a simulation. Never for secrets. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** From 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return this.next() * limit;
  }

  /** A whole number from 0 up to, but not including, `limit`. */
  integerBelow(limit: number): number {
    return Math.floor(this.below(limit));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("nothing to pick from");
    return items[this.integerBelow(items.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integerBelow(256));
  }
}

/** Runs the body with different seeds; a failure names its seed. ZTNA_SEED runs that one alone. */
export function forEachSeed(count: number, body: (seed: number) => void): void {
  const only = process.env.ZTNA_SEED;
  const first = only === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : Number(only);
  for (let i = 0; i < (only === undefined ? count : 1); i += 1) {
    const seed = (first + i) >>> 0;
    try {
      body(seed);
    } catch (error) {
      throw new Error(`seed ${seed} failed; repeat it with ZTNA_SEED=${seed}: ${describe(error)}`, { cause: error });
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
