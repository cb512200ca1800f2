// When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2): at once what tells of a gap or closes one, and
// after two segments; a single one may wait for company. What is due leaves when the caller asks for packets, so that
// everything that came in one go is acknowledged in one segment.
import type { Millis } from "../core/machine.ts";

export class AckSchedule {
  /** When an acknowledgement that waits for company is due. */
  at: Millis | undefined;
  private readonly delayMs: Millis;
  /** Acknowledgements due now. */
  private owed = 0;
  private bytes = 0;
  /** The largest segment that the peer ever sent. */
  private segment = 1;

  constructor(delayMs: Millis) {
    this.delayMs = delayMs;
  }

  get due(): boolean {
    return this.owed > 0;
  }

  /** Bytes came in order. */
  received(length: number, now: Millis): void {
    this.bytes += length;
    this.segment = Math.max(this.segment, length);
    if (this.bytes >= 2 * this.segment) this.now();
    else if (!this.due) this.at ??= now + this.delayMs;
  }

  now(): void {
    this.owed = Math.max(this.owed, 1);
  }

  /** One more, up to `most`: for a peer that counts them, or because one may get lost. */
  another(most: number): void {
    this.owed = Math.max(this.owed, Math.min(this.owed + 1, most));
  }

  handleTimeout(now: Millis): void {
    if (this.at === undefined || now < this.at) return;
    this.at = undefined;
    this.now();
  }

  /** A segment with ACK has left. One with data counts as no duplicate acknowledgement. */
  sent(bare: boolean): void {
    this.at = undefined;
    this.bytes = 0;
    if (this.owed <= 1) this.owed = 0;
    else if (bare) this.owed -= 1;
  }

  stop(): void {
    this.owed = 0;
    this.at = undefined;
  }
}
