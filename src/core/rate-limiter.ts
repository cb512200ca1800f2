// Token buckets: one for a single limit, and keyed ones in a bounded table that an attacker cannot grow.
// A bucket is one number, the time at which it is full again, so that a refusal changes nothing and no error adds up.
import { Deadlines } from "./deadlines.ts";
import type { Millis } from "./machine.ts";

export interface Rate {
  readonly perSecond: number;
  /** Tokens in a full bucket. A cost above it is never allowed. */
  readonly burst: number;
}

/** A limit without keys, for instance of one connection. Starts full. Thousands share one rate, so it is not copied. */
export class TokenBucket {
  private readonly rate: Rate;
  private fullAt: Millis;

  constructor(rate: Rate, now: Millis) {
    this.rate = checked(rate);
    this.fullAt = now;
  }

  allow(now: Millis, cost = 1): boolean {
    const fullAt = fullAtAfter(this.rate, this.fullAt, now, cost);
    if (fullAt === undefined) return false;
    this.fullAt = fullAt;
    return true;
  }
}

/**
 * One bucket for each key. A full bucket equals no bucket, so it is forgotten. When the table holds nothing but
 * buckets in use, unknown keys are refused: a flood of invented keys must not buy its sender a fresh burst each.
 */
export class RateLimiter<K> {
  private readonly rate: Rate;
  private readonly maxKeys: number;
  private readonly fullAt = new Deadlines<K>();

  constructor(options: Rate & { readonly maxKeys: number }) {
    if (!(options.maxKeys >= 1)) throw new RangeError(`maxKeys must be at least 1, not ${options.maxKeys}`);
    this.rate = checked(options);
    this.maxKeys = options.maxKeys;
  }

  /** Keys whose bucket is not known to be full. */
  get size(): number {
    return this.fullAt.size;
  }

  allow(key: K, now: Millis, cost = 1): boolean {
    this.forgetFull(now);
    const known = this.fullAt.get(key);
    const fullAt = fullAtAfter(this.rate, known ?? now, now, cost);
    if (fullAt === undefined) return false;
    if (known === undefined && this.fullAt.size >= this.maxKeys) return false;
    if (fullAt > now) this.fullAt.set(key, fullAt);
    return true;
  }

  /** More than one per call, so that the table shrinks while it is used; few, so that no call pays for all. */
  private forgetFull(now: Millis): void {
    for (let swept = 0; swept < SWEEP_PER_CALL; swept += 1) {
      if (this.fullAt.takeExpired(now) === undefined) return;
    }
  }
}

function checked(rate: Rate): Rate {
  if (!(rate.perSecond > 0)) throw new RangeError(`perSecond must be above 0, not ${rate.perSecond}`);
  if (!(rate.burst > 0)) throw new RangeError(`burst must be above 0, not ${rate.burst}`);
  return rate;
}

/** When the bucket is full again if `cost` is taken from it now; undefined when it does not hold that much. */
function fullAtAfter({ perSecond, burst }: Rate, fullAt: Millis, now: Millis, cost: number): Millis | undefined {
  const msPerToken = 1000 / perSecond;
  const after = Math.max(fullAt, now) + cost * msPerToken;
  return after - now > burst * msPerToken + ROUNDING_MS ? undefined : after;
}

const SWEEP_PER_CALL = 4;

/** Sums of fractions of a millisecond are not exact; a token may come this much early. */
const ROUNDING_MS = 0.001;
