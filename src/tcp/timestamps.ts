// Timestamps (RFC 7323): ours tell which transmission was answered, the peer's protect against segments of an earlier
// turn of the sequence numbers (PAWS).
import type { Millis } from "../core/machine.ts";
import type { TcpOptions } from "../wire/tcp-options.ts";
import { isAfter } from "./sequence.ts";

export class Timestamps {
  /** Whether both sides use them. */
  agreed = false;
  private readonly offset: number;
  private recent = 0;
  private recentAt: Millis = 0;

  constructor(offset: number) {
    this.offset = offset;
  }

  /** Milliseconds from an offset that tells nothing about us. */
  value(now: Millis): number {
    return (Math.floor(now) + this.offset) >>> 0;
  }

  write(options: TcpOptions, now: Millis): void {
    options.hasTimestamps = true;
    options.timestamp = this.value(now);
    options.timestampEcho = this.recent;
  }

  /** Whether the segment may be of now. An answer after so long that the clock may have wrapped is always taken. */
  accepts(options: TcpOptions, now: Millis): boolean {
    if (!options.hasTimestamps) return false;
    return !isAfter(this.recent, options.timestamp) || now - this.recentAt >= OUTDATED_MS;
  }

  /** Whether the segment is certainly later than everything that came before. */
  isNewer(options: TcpOptions): boolean {
    return this.agreed && options.hasTimestamps && isAfter(options.timestamp, this.recent);
  }

  /** The segment covers what was acknowledged last: its timestamp is the one to echo. */
  note(options: TcpOptions, now: Millis): void {
    this.recent = options.timestamp;
    this.recentAt = now;
  }

  /** The round trip that an acknowledgement of new data tells; undefined when it echoes nothing of ours. */
  roundTrip(options: TcpOptions, now: Millis): Millis | undefined {
    if (!this.agreed || options.timestampEcho === 0) return undefined;
    const elapsed = (this.value(now) - options.timestampEcho) | 0;
    return elapsed >= 0 ? Math.max(elapsed, 1) : undefined;
  }
}

/** 24 days: a millisecond clock turns half around in 24.8. */
const OUTDATED_MS = 24 * 86_400_000;
