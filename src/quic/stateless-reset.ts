// Stateless resets (RFC 9000, 10.3): how clients learn at once that a restarted relay does not know them.
import type { Millis } from "../core/machine.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import { CONNECTION_ID_BYTES, type ConnectionIds, RESET_TOKEN_BYTES } from "./connection-id.ts";

export class StatelessResets {
  readonly #ids: ConnectionIds;
  readonly #random: (bytes: Uint8Array) => void;
  readonly #rate: TokenBucket;

  constructor(ids: ConnectionIds, random: (bytes: Uint8Array) => void, now: Millis) {
    this.#ids = ids;
    this.#random = random;
    this.#rate = new TokenBucket({ perSecond: RESETS_PER_SECOND, burst: RESETS_PER_SECOND }, now);
  }

  /**
   * The reset that answers a short-header packet to an unknown id, if we ever issued that id. Always smaller than the
   * packet it answers, so that two endpoints cannot keep resetting each other.
   */
  answer(packet: Uint8Array, now: Millis): Uint8Array | undefined {
    const length = Math.min(packet.length - 1, MAX_RESET_BYTES);
    if (length < MIN_RESET_BYTES || !this.#rate.allow(now) || !this.#ids.verify(packet, 1)) return undefined;
    const reset = new Uint8Array(length);
    this.#random(reset.subarray(0, length - RESET_TOKEN_BYTES));
    reset[0] = 0x40 | (reset[0]! & 0x3f);
    reset.set(this.#ids.resetToken(packet.subarray(1, 1 + CONNECTION_ID_BYTES)), length - RESET_TOKEN_BYTES);
    return reset;
  }
}

const RESETS_PER_SECOND = 5000;
const MIN_RESET_BYTES = 21;
const MAX_RESET_BYTES = 43;
