// How many payloads may be on their way at once. One that does not come back stops counting after a while: it is lost,
// and the others must not wait for it.
import type { Millis } from "../core/machine.ts";

export class FlightWindow {
  private readonly limit: number;
  /** When each was sent, oldest first. */
  private readonly out = new Map<number, Millis>();

  constructor(limit: number) {
    this.limit = limit;
  }

  sent(number: number, now: Millis): void {
    this.out.set(number, now);
  }

  returned(number: number): void {
    this.out.delete(number);
  }

  isOpen(now: Millis): boolean {
    for (const [number, sentAt] of this.out) {
      if (now - sentAt < GIVEN_UP_AFTER_MS) break;
      this.out.delete(number);
    }
    return this.out.size < this.limit;
  }
}

const GIVEN_UP_AFTER_MS = 1000;
