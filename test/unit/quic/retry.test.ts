// Retry tokens: bound to an address and an id, expiring, good for one connection.
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import fc from "fast-check";
import { RetryTokens } from "../../../src/quic/retry.ts";
import { address } from "../../support/endpoint-pair.ts";

const LIFETIME_MS = 30_000;
const client = address("198.51.100.7", 40_000, "192.0.2.1", 4433);
const original = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const scid = new Uint8Array(20).fill(9);

function tokens(replayLimit = 100): RetryTokens {
  return new RetryTokens({ lifetimeMs: LIFETIME_MS, replayLimit }, (bytes) => randomFillSync(bytes), 0);
}

describe("Retry tokens", () => {
  test("give the original id back to the address and id they were made for", () => {
    const it = tokens();
    expect(it.redeem(it.mint(original, client, scid, 5), client, scid, 10)).toEqual(original);
  });

  test("are refused from another port, another host, or with another connection id", () => {
    const it = tokens();
    const token = it.mint(original, client, scid, 0);
    expect(it.redeem(token, address("198.51.100.7", 40_001, "192.0.2.1", 4433), scid, 1)).toBe("forged");
    expect(it.redeem(token, address("198.51.100.8", 40_000, "192.0.2.1", 4433), scid, 1)).toBe("forged");
    expect(it.redeem(token, client, new Uint8Array(20).fill(8), 1)).toBe("forged");
    expect(it.redeem(token, client, scid, 1)).toEqual(original);
  });

  test("are good for one connection", () => {
    const it = tokens();
    const token = it.mint(original, client, scid, 0);
    expect(it.redeem(token, client, scid, 1)).toEqual(original);
    expect(it.redeem(token, client, scid, 2)).toBe("replayed");
  });

  test("expire, also across a change of keys, and mean nothing two lifetimes later", () => {
    const it = tokens();
    const early = it.mint(original, client, scid, 0);
    const late = it.mint(original, client, scid, LIFETIME_MS - 100);
    expect(it.redeem(late, client, scid, LIFETIME_MS + 1000)).toEqual(original);
    expect(it.redeem(early, client, scid, LIFETIME_MS + 1000)).toBe("expired");
    expect(it.redeem(early, client, scid, 10 * LIFETIME_MS)).toBe("forged");
  });

  test("stay usable for the whole lifetime however the keys rotate", () => {
    fc.assert(
      fc.property(fc.nat(10 * LIFETIME_MS), fc.nat(LIFETIME_MS - 20), (mintedAt, wait) => {
        const it = tokens();
        const token = it.mint(original, client, scid, mintedAt);
        expect(it.redeem(token, client, scid, mintedAt + wait)).toEqual(original);
      }),
    );
  });

  test("are no longer accepted when the memory of used ones is full, until the keys rotate", () => {
    const it = tokens(3);
    const fresh = () => it.mint(original, client, scid, 0);
    const made = Array.from({ length: 4 }, (_, i) => it.mint(original, client, scid, i * 10));
    for (const token of made.slice(0, 3)) expect(it.redeem(token, client, scid, 50)).toEqual(original);
    expect(it.redeem(made[3]!, client, scid, 50)).toBe("replay-cache-full");
    expect(it.remembered).toBe(3);
    expect(fresh().length).toBe(4 + original.length + 16);
    const later = it.mint(original, client, scid, LIFETIME_MS + 1);
    expect(it.redeem(later, client, scid, LIFETIME_MS + 2)).toEqual(original);
  });

  test("made of arbitrary or damaged bytes are refused and never throw", () => {
    const it = tokens();
    const good = it.mint(original, client, scid, 0);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => it.redeem(bytes, client, scid, 1) === "forged"));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const damaged = good.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(it.redeem(damaged, client, scid, 1)).toBe("forged");
    }
  });
});
