// What one direction of a bad network path does to each packet: losses, copies, delays, order and rate. Arithmetic only;
// the same seed and the same packets at the same times have the same fate.
import type { Millis } from "../../src/core/machine.ts";
import { type LinkConditions, PERFECT_LINK } from "./network.ts";
import { Random } from "./random.ts";

export interface PathConditions extends LinkConditions {
  /** A packet takes as long as its bits need, one after the other; 0 means no limit. */
  readonly bitsPerSecond: number;
  /** How long a packet may wait for those before it, when there is a limit; one that would wait longer is lost. */
  readonly queueMs: Millis;
}

export const PERFECT_PATH: PathConditions = { ...PERFECT_LINK, bitsPerSecond: 0, queueMs: 100 };

/** received + duplicated = lost + blackedOut + overflowed + forwarded + those that still wait. */
export interface PathCounters {
  received: number;
  lost: number;
  /** Lost in a black-out. */
  blackedOut: number;
  /** Found no room: a queue of the path, or the forwarder's own. */
  overflowed: number;
  duplicated: number;
  /** Held back so that others could overtake. */
  reordered: number;
  forwarded: number;
}

export class ImpairedLink {
  readonly counters: PathCounters = {
    ...{ received: 0, lost: 0, blackedOut: 0, overflowed: 0 },
    ...{ duplicated: 0, reordered: 0, forwarded: 0 },
  };
  /** When each copy of the packet that was admitted last leaves. */
  readonly departures: [Millis, Millis] = [0, 0];
  private conditions: PathConditions;
  private readonly random: Random;
  private darkUntil: Millis = Number.NEGATIVE_INFINITY;
  /** When the last bit of what was admitted is on the wire. */
  private busyUntil: Millis = Number.NEGATIVE_INFINITY;
  /** Packets that are not held back stay in order. */
  private lastDeparture: Millis = Number.NEGATIVE_INFINITY;

  constructor(seed: number, conditions: Partial<PathConditions> = {}) {
    this.random = new Random(seed);
    this.conditions = { ...PERFECT_PATH, ...conditions };
  }

  /** For packets from now on. What is not named stays as it is. */
  set(conditions: Partial<PathConditions>): void {
    this.conditions = { ...this.conditions, ...conditions };
  }

  /** Everything that comes before `until` is lost. */
  blackOut(until: Millis): void {
    this.darkUntil = until;
  }

  /** How many copies of this packet leave: none, one or two, at `departures`. */
  admit(bytes: number, now: Millis): 0 | 1 | 2 {
    const { counters, conditions, random } = this;
    counters.received++;
    if (now < this.darkUntil) return this.never("blackedOut");
    // Nothing is drawn for what cannot happen: a good path costs nothing.
    if (conditions.loss > 0 && random.chance(conditions.loss)) return this.never("lost");
    const sentAt = this.transmissionEnd(bytes, now);
    if (sentAt === undefined) return this.never("overflowed");
    this.departures[0] = this.departure(sentAt);
    if (conditions.duplicate === 0 || !random.chance(conditions.duplicate)) return 1;
    counters.duplicated++;
    this.departures[1] = this.departure(sentAt);
    return 2;
  }

  private never(why: "lost" | "blackedOut" | "overflowed"): 0 {
    this.counters[why]++;
    return 0;
  }

  private transmissionEnd(bytes: number, now: Millis): Millis | undefined {
    const { bitsPerSecond, queueMs } = this.conditions;
    if (bitsPerSecond === 0) return now;
    const start = Math.max(now, this.busyUntil);
    if (start - now > queueMs) return undefined;
    this.busyUntil = start + (bytes * 8000) / bitsPerSecond;
    return this.busyUntil;
  }

  private departure(sentAt: Millis): Millis {
    const { delayMs, jitterMs, reorder, reorderMs } = this.conditions;
    const jitter = jitterMs > 0 ? this.random.below(jitterMs) : 0;
    const at = Math.max(this.lastDeparture, sentAt + delayMs + jitter);
    if (reorder > 0 && this.random.chance(reorder)) {
      this.counters.reordered++;
      return at + this.random.below(reorderMs);
    }
    this.lastDeparture = at;
    return at;
  }
}
