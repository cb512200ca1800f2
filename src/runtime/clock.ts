// Monotonic time and the one timer of a driver.
import type { Millis } from "../core/machine.ts";

export interface Clock {
  now(): Millis;
}

export const monotonicClock: Clock = { now: () => performance.now() };

/** One timer that is re-armed: at most one is pending, and an unchanged deadline costs nothing. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at: Millis | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at or shortly after `at`; undefined switches it off. */
  set(at: Millis | undefined): void {
    if (at === this.#at) return;
    // A timer that is due too early only looks again, which is cheaper than a new timer for each packet.
    const early = at !== undefined && this.#at !== undefined && at > this.#at;
    this.#at = at;
    if (early) return;
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#at === undefined) return;
    const delay = Math.min(Math.max(0, Math.ceil(this.#at - this.#clock.now())), MAX_DELAY_MS);
    this.#timer = setTimeout(() => this.#fire(), delay);
  }

  #fire(): void {
    this.#timer = undefined;
    if (this.#at === undefined) return;
    if (this.#clock.now() < this.#at) return this.#arm();
    this.#at = undefined;
    this.#ring();
  }
}

/** Longer delays overflow the timer's 32 bits. */
const MAX_DELAY_MS = 0x7fffffff;
