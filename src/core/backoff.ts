// Delays between attempts: each longer than the last up to a cap, and spread so that many clients do not come at once.
import type { Millis } from "./machine.ts";

export interface BackoffOptions {
  readonly initialMs: Millis;
  readonly maxMs: Millis;
  readonly factor: number;
  /** Which part of a delay is left to chance: 0 none, 1 all of it. Chance only shortens: maxMs is never exceeded. */
  readonly jitter: number;
}

export class Backoff {
  private readonly options: BackoffOptions;
  private readonly random: () => number;
  private count = 0;

  /** `random` yields numbers from 0 up to, but not including, 1. */
  constructor(options: BackoffOptions, random: () => number) {
    if (!(options.initialMs > 0)) throw new RangeError(`initialMs must be above 0, not ${options.initialMs}`);
    this.options = options;
    this.random = random;
  }

  /** Delays taken since the last reset. */
  get attempts(): number {
    return this.count;
  }

  next(): Millis {
    const { initialMs, maxMs, factor, jitter } = this.options;
    const delay = Math.min(maxMs, initialMs * factor ** this.count);
    this.count += 1;
    return delay * (1 - jitter * this.random());
  }

  reset(): void {
    this.count = 0;
  }
}
