// The two promises of a rate limit, for any history: no window ever lets more through than burst plus refill, and
// whoever stays below the rate is never refused.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RateLimiter, TokenBucket } from "../../src/core/rate-limiter.ts";

const rate = fc.record({
  perSecond: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
  burst: fc.double({ min: 1, max: 1_000, noNaN: true }),
});
const request = fc.record({
  after: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true })),
  cost: fc.nat(20),
});

describe("a token bucket", () => {
  test("lets no more through in any window than burst plus refill", () => {
    fc.assert(
      fc.property(rate, fc.array(request, { maxLength: 80 }), fc.nat(1e9), (limit, requests, start) => {
        const bucket = new TokenBucket(limit, start);
        const allowed: { at: number; cost: number }[] = [];
        let now = start;
        for (const { after, cost } of requests) {
          now += after;
          if (bucket.allow(now, cost)) allowed.push({ at: now, cost });
        }
        for (const [index, first] of allowed.entries()) {
          let total = 0;
          for (const { at, cost } of allowed.slice(index)) {
            total += cost;
            const most = limit.burst + ((at - first.at) * limit.perSecond) / 1000;
            expect(total).toBeLessThanOrEqual(most + TOLERANCE * limit.perSecond);
          }
        }
      }),
    );
  });

  test("never refuses who stays below the rate", () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 200 }), fc.nat(1e9), (limit, count, start) => {
        const bucket = new TokenBucket(limit, start);
        for (let i = 0; i < count; i += 1)
          expect(bucket.allow(start + (i * 1000) / limit.perSecond + i * 1e-3)).toBe(true);
      }),
    );
  });
});

describe("a keyed limiter", () => {
  test("decides for each key as a bucket of its own would, while its table has room", () => {
    const keyed = fc.tuple(fc.nat(5), request);
    fc.assert(
      fc.property(rate, fc.array(keyed, { maxLength: 150 }), (limit, requests) => {
        const limiter = new RateLimiter<number>({ ...limit, maxKeys: 6 });
        const buckets = Array.from({ length: 6 }, () => new TokenBucket(limit, 0));
        let now = 0;
        for (const [key, { after, cost }] of requests) {
          now += after;
          expect(limiter.allow(key, now, cost)).toBe(buckets[key]!.allow(now, cost));
          expect(limiter.size).toBeLessThanOrEqual(6);
        }
      }),
    );
  });

  test("never holds more keys than allowed, and never lets through what a bucket would refuse", () => {
    const keyed = fc.tuple(fc.nat(30), request);
    fc.assert(
      fc.property(rate, fc.array(keyed, { maxLength: 150 }), (limit, requests) => {
        const limiter = new RateLimiter<number>({ ...limit, maxKeys: 3 });
        const allowedAt = new Map<number, TokenBucket>();
        let now = 0;
        for (const [key, { after, cost }] of requests) {
          now += after;
          const bucket = allowedAt.get(key) ?? new TokenBucket(limit, 0);
          allowedAt.set(key, bucket);
          if (limiter.allow(key, now, cost)) expect(bucket.allow(now, cost)).toBe(true);
          expect(limiter.size).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});

/** Rounding lets a token come a little early: milliseconds. */
const TOLERANCE = 0.002 / 1000;
