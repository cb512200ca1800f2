// Bursts, refill, refusals, and a table of keys that a flood cannot grow.
import { describe, expect, test } from "bun:test";
import { RateLimiter, TokenBucket } from "../../../src/core/rate-limiter.ts";

describe("TokenBucket", () => {
  test("starts full, gives its burst at once and then refuses", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 5_000);
    expect([1, 2, 3, 4].map(() => bucket.allow(5_000))).toEqual([true, true, true, false]);
  });

  test("refills at its rate, and not above its burst", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
    expect(bucket.allow(0, 3)).toBe(true);
    expect(bucket.allow(99)).toBe(false);
    expect(bucket.allow(100)).toBe(true);
    expect(bucket.allow(100)).toBe(false);
    expect(bucket.allow(1_000_000, 3)).toBe(true);
    expect(bucket.allow(1_000_000)).toBe(false);
  });

  test("a refusal costs nothing", () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, 0);
    expect(bucket.allow(0)).toBe(true);
    for (let i = 0; i < 1_000; i += 1) expect(bucket.allow(0, 2)).toBe(false);
    expect(bucket.allow(0)).toBe(true);
  });

  test("a cost above the burst is never allowed, one of 0 always", () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 5 }, 0);
    expect(bucket.allow(1_000_000, 6)).toBe(false);
    expect(bucket.allow(1_000_000, 5)).toBe(true);
    expect(bucket.allow(1_000_000, 0)).toBe(true);
  });

  test("a rate that divides badly still allows its whole burst, also late in the life of a process", () => {
    const now = 9_876_543_210.123;
    const bucket = new TokenBucket({ perSecond: 30, burst: 70 }, now);
    for (let i = 0; i < 70; i += 1) expect(bucket.allow(now)).toBe(true);
    expect(bucket.allow(now)).toBe(false);
  });

  test("a clock that steps back gives nothing for free", () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 10_000);
    expect(bucket.allow(10_000)).toBe(true);
    expect(bucket.allow(0)).toBe(false);
    expect(bucket.allow(10_999)).toBe(false);
    expect(bucket.allow(11_000)).toBe(true);
  });

  test("limits that mean nothing are a bug and throw", () => {
    for (const perSecond of [0, -1, Number.NaN]) {
      expect(() => new TokenBucket({ perSecond, burst: 1 }, 0)).toThrow(RangeError);
    }
    expect(() => new TokenBucket({ perSecond: 1, burst: 0 }, 0)).toThrow(RangeError);
    expect(() => new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 0 })).toThrow(RangeError);
  });
});

describe("RateLimiter", () => {
  test("each key has its own bucket", () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 2, maxKeys: 10 });
    expect([1, 2, 3].map(() => limiter.allow("a", 0))).toEqual([true, true, false]);
    expect(limiter.allow("b", 0)).toBe(true);
    expect(limiter.size).toBe(2);
  });

  test("a bucket that is full again is forgotten", () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 2, maxKeys: 10 });
    limiter.allow("a", 0);
    expect(limiter.size).toBe(1);
    limiter.allow("b", 999);
    expect(limiter.size).toBe(2);
    limiter.allow("b", 1_000);
    expect(limiter.size).toBe(1);
    expect([1, 2, 3].map(() => limiter.allow("a", 1_000))).toEqual([true, true, false]);
  });

  test("a full table refuses unknown keys, still serves known ones, and does not grow", () => {
    const limiter = new RateLimiter<number>({ perSecond: 1, burst: 10, maxKeys: 100 });
    for (let key = 0; key < 100; key += 1) expect(limiter.allow(key, 0)).toBe(true);
    for (let key = 100; key < 5_000; key += 1) expect(limiter.allow(key, 1)).toBe(false);
    expect(limiter.size).toBe(100);
    expect(limiter.allow(42, 1)).toBe(true);
  });

  test("a full table admits unknown keys again as buckets fill", () => {
    const limiter = new RateLimiter<number>({ perSecond: 1, burst: 10, maxKeys: 2 });
    limiter.allow(1, 0, 5);
    limiter.allow(2, 0, 10);
    expect(limiter.allow(3, 4_999)).toBe(false);
    expect(limiter.allow(3, 5_000)).toBe(true);
    expect(limiter.size).toBe(2);
  });

  test("a table for one key holds one", () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 1, maxKeys: 1 });
    expect([limiter.allow("a", 0), limiter.allow("b", 0), limiter.allow("b", 1_000)]).toEqual([true, false, true]);
  });

  test("a key that was refused or paid nothing takes no place in the table", () => {
    const limiter = new RateLimiter<number>({ perSecond: 1, burst: 1, maxKeys: 100 });
    for (let key = 0; key < 50; key += 1) expect(limiter.allow(key, 0, 2)).toBe(false);
    expect(limiter.allow(1, 0, 0)).toBe(true);
    expect(limiter.size).toBe(0);
  });

  test("no call sweeps more than a few buckets, and the table still empties while it is used", () => {
    const limiter = new RateLimiter<number>({ perSecond: 1, burst: 1, maxKeys: 1_000 });
    for (let key = 0; key < 1_000; key += 1) limiter.allow(key, 0);
    limiter.allow(-1, 1_000);
    expect(limiter.size).toBeGreaterThan(980);
    for (let i = 0; i < 500; i += 1) limiter.allow(-1, 1_001);
    expect(limiter.size).toBe(1);
  });
});
