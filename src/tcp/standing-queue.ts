// Whether what is on its way stands in a queue: the shortest round trip of one round beside the shortest of a while, as
// LEDBAT (RFC 6817) and HyStart++ compare them. Jitter does not show in the shortest of many, a queue does. A tunnel
// loses nothing when its processes are the bottleneck, so without this only the buffers would end a window's growth.
import type { Millis } from "../core/machine.ts";

export class StandingQueue {
  /** The shortest of the present period and of the one before. */
  private present: Millis = Number.POSITIVE_INFINITY;
  private before: Millis = Number.POSITIVE_INFINITY;
  private period = Number.NaN;
  private drainDue = false;
  /** Whether the latest round that ended stood in a queue. */
  stands = false;
  private round: Millis = Number.POSITIVE_INFINITY;
  private samples = 0;
  private began: Millis | undefined;

  /** Takes one round trip. */
  sample(rtt: Millis, now: Millis): void {
    this.turn(now);
    this.present = Math.min(this.present, rtt);
    this.round = Math.min(this.round, rtt);
    this.samples += 1;
    this.began ??= now;
  }

  /**
   * Ends a round, unless it is to go on: what stands for a moment only, because a process had to wait for its turn, is
   * no standing queue. The share of what was on its way that would have left no more of a queue than may be: 1 when
   * all is well, and never less than a half.
   */
  endRound(now: Millis): number | undefined {
    const { round, tolerated } = this;
    if (this.began === undefined || now - this.began < SHORTEST_ROUND_MS || this.samples < SAMPLES_NEEDED)
      return undefined;
    this.round = Number.POSITIVE_INFINITY;
    this.samples = 0;
    this.began = now;
    this.stands = round > tolerated;
    return round <= tolerated ? 1 : Math.max(tolerated / round, MAX_CUT);
  }

  /**
   * True once in a period: whoever fills a queue has to let it drain for a moment, or the queue is taken for the path.
   * All connections of a process do so at the same time, or none would see it empty.
   */
  takeDrain(): boolean {
    const due = this.drainDue;
    this.drainDue = false;
    return due;
  }

  /** The longest round trip that is no reason to send less; 0 before there is any. */
  get tolerated(): Millis {
    const { base } = this;
    return Number.isFinite(base) ? base + Math.min(Math.max(base, MIN_QUEUE_MS), MAX_QUEUE_MS) : 0;
  }

  /** The round trip of a path that is kept busy without much of a queue; 0 before there is any. */
  get busy(): Millis {
    const { base } = this;
    return Number.isFinite(base) ? base + Math.min(Math.max(base / 4, MIN_QUEUE_MS / 2), MAX_QUEUE_MS / 4) : 0;
  }

  /** Without any queue, as far as is known; infinite before anything is. */
  private get base(): Millis {
    return Math.min(this.present, this.before);
  }

  private turn(now: Millis): void {
    const period = Math.floor(now / PERIOD_MS);
    if (period === this.period) return;
    const follows = period === this.period + 1;
    this.before = follows ? this.present : Number.POSITIVE_INFINITY;
    this.drainDue = follows;
    this.present = Number.POSITIVE_INFINITY;
    this.period = period;
  }
}

/** A queue as long as the path is tolerated, within these bounds: what keeps three busy processes busy, and RFC 6817's. */
const MIN_QUEUE_MS = 10;
const MAX_QUEUE_MS = 100;
const MAX_CUT = 0.5;
const SHORTEST_ROUND_MS = 50;
/** As HyStart++ has it. */
const SAMPLES_NEEDED = 8;
const PERIOD_MS = 10_000;

// What whoever finds a queue does about it, sender or receiver.
/** Bytes: not even a queue that others fill makes anybody smaller. */
export const LEAST_FOR_QUEUE = 32 * 1024;
/** In a round without a queue, once one was what ended growth. */
export const GROWTH_AFTER_QUEUE = 1.125;
export const DRAIN_DIVISOR = 4;
/** In the first what stood in the queue leaves, in the second the path is seen without it. */
export const DRAIN_ROUNDS = 2;
