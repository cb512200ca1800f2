// Stateless Retry tokens (RFC 9000, 8.1.2): proof that a client receives what is sent to its address.
//
//   0     1          3        4          4+n      20+n
//   +-----+----------+--------+----------+--------+
//   | gen | age u16  | n      | original | tag    |    tag = HMAC-SHA-256(key of gen, all of the left | scid | address)
//   +-----+----------+--------+----------+--------+
//
// gen numbers the key; age is in units of 10 ms since the key was made. A key lives for two lifetimes, so nothing is
// valid after that. The tag binds address, port and the Retry's connection id. A token is good for one connection.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Millis } from "../core/machine.ts";
import type { SocketAddress } from "../wire/address.ts";

export type TokenFault = "forged" | "expired" | "replayed" | "replay-cache-full";

export interface RetryOptions {
  readonly lifetimeMs: number;
  /** Tokens remembered as used, per key. Beyond it no token is accepted until the key rotates. */
  readonly replayLimit: number;
}

interface Generation {
  readonly number: number;
  readonly key: Uint8Array;
  readonly madeAt: Millis;
  readonly used: Set<string>;
}

export class RetryTokens {
  readonly #options: RetryOptions;
  readonly #random: (bytes: Uint8Array) => void;
  #current: Generation;
  #previous: Generation | undefined;

  constructor(options: RetryOptions, random: (bytes: Uint8Array) => void, now: Millis) {
    this.#options = options;
    this.#random = random;
    this.#current = this.#generation(0, now);
  }

  /** A token for a client at `from` that sent `originalDcid` and is told to continue with `retryScid`. */
  mint(originalDcid: Uint8Array, from: SocketAddress, retryScid: Uint8Array, now: Millis): Uint8Array {
    this.#rotate(now);
    const { number, key, madeAt } = this.#current;
    const token = new Uint8Array(HEADER_BYTES + originalDcid.length + TAG_BYTES);
    const age = Math.floor((now - madeAt) / AGE_UNIT_MS);
    token.set([number & 0xff, age >> 8, age & 0xff, originalDcid.length]);
    token.set(originalDcid, HEADER_BYTES);
    const body = token.subarray(0, token.length - TAG_BYTES);
    token.set(tag(key, body, retryScid, from), body.length);
    return token;
  }

  /** The original destination id that the token carries, or why it is refused. A good token is used up. */
  redeem(token: Uint8Array, from: SocketAddress, dcid: Uint8Array, now: Millis): Uint8Array | TokenFault {
    this.#rotate(now);
    const generation = this.#find(token);
    if (generation === undefined) return "forged";
    const body = token.subarray(0, token.length - TAG_BYTES);
    const given = token.subarray(body.length);
    if (!timingSafeEqual(tag(generation.key, body, dcid, from), given)) return "forged";
    const age = now - generation.madeAt - ((token[1]! << 8) | token[2]!) * AGE_UNIT_MS;
    if (age > this.#options.lifetimeMs) return "expired";
    const fingerprint = fingerprintOf(token);
    if (generation.used.has(fingerprint)) return "replayed";
    if (generation.used.size >= this.#options.replayLimit) return "replay-cache-full";
    generation.used.add(fingerprint);
    return body.slice(HEADER_BYTES);
  }

  /** A redeemed token led to no connection: its client may come again with it. */
  giveBack(token: Uint8Array): void {
    this.#find(token)?.used.delete(fingerprintOf(token));
  }

  /** Tokens remembered as used. */
  get remembered(): number {
    return this.#current.used.size + (this.#previous?.used.size ?? 0);
  }

  #find(token: Uint8Array): Generation | undefined {
    if (token.length < HEADER_BYTES + TAG_BYTES || token.length !== HEADER_BYTES + token[3]! + TAG_BYTES) {
      return undefined;
    }
    if (token[0] === (this.#current.number & 0xff)) return this.#current;
    return this.#previous !== undefined && token[0] === (this.#previous.number & 0xff) ? this.#previous : undefined;
  }

  #rotate(now: Millis): void {
    const { lifetimeMs } = this.#options;
    const age = now - this.#current.madeAt;
    if (age < lifetimeMs) return;
    this.#previous = age < 2 * lifetimeMs ? this.#current : undefined;
    this.#current = this.#generation(this.#current.number + 1, now);
  }

  #generation(number: number, madeAt: Millis): Generation {
    const key = new Uint8Array(32);
    this.#random(key);
    return { number, key, madeAt, used: new Set() };
  }
}

function tag(key: Uint8Array, body: Uint8Array, scid: Uint8Array, from: SocketAddress): Uint8Array {
  const hmac = createHmac("sha256", key).update(body).update(scid).update(`|${from.host}|${from.port}`);
  return hmac.digest().subarray(0, TAG_BYTES);
}

function fingerprintOf(token: Uint8Array): string {
  return Buffer.from(token.subarray(token.length - TAG_BYTES)).toString("latin1");
}

const HEADER_BYTES = 4;
const TAG_BYTES = 16;
const AGE_UNIT_MS = 10;
