// How long the end that closed first stays to answer a FIN that comes again (RFC 9293 section 3.6.1). A FIN that comes
// again prolongs it, but not for ever.
import type { Millis } from "../core/machine.ts";

export class TimeWait {
  at: Millis | undefined;
  private readonly duration: Millis;
  private latest: Millis = 0;

  constructor(duration: Millis) {
    this.duration = duration;
  }

  begin(now: Millis): void {
    this.at = now + this.duration;
    this.latest = now + MOST_PROLONGED * this.duration;
  }

  /** The peer's FIN came again: our acknowledgement got lost. */
  repeated(now: Millis): void {
    if (this.at !== undefined) this.at = Math.min(now + this.duration, this.latest);
  }

  isOver(now: Millis): boolean {
    return this.at !== undefined && now >= this.at;
  }
}

const MOST_PROLONGED = 4;
