// Whose turn it is: each of so many once in a period, evenly spread, however often and irregularly one asks.
import type { Millis } from "../../src/core/machine.ts";

export class Rota {
  readonly #periodMs: Millis;
  #servedUpTo: Millis;
  #last = 0;

  constructor(periodMs: Millis, now: Millis) {
    this.#periodMs = periodMs;
    this.#servedUpTo = now;
  }

  /** How many of `members` are due since the last call; at most each once. */
  take(members: number, now: Millis): number {
    if (members === 0) return 0;
    const eachMs = this.#periodMs / members;
    const due = Math.min(Math.floor((now - this.#servedUpTo) / eachMs), members);
    // What is left of a turn counts in the next one: rounded away, it would stretch the period beyond any limit.
    this.#servedUpTo = Math.max(this.#servedUpTo + due * eachMs, now - this.#periodMs);
    return due;
  }

  /** The index of the next one. */
  next(members: number): number {
    this.#last = (this.#last + 1) % members;
    return this.#last;
  }
}
