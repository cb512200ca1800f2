// Decides what happens to a long-header packet that belongs to no connection: the cheapest check first, no state kept.
import type { Millis } from "../core/machine.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import type { SocketAddress } from "../wire/address.ts";
import { type Admission, type Prefix, prefixOf } from "./admission.ts";
import { CONNECTION_ID_BYTES, type ConnectionIds, type LongHeader, QUIC_V1, TYPE_INITIAL } from "./connection-id.ts";
import { quiche } from "./native.ts";
import { RetryTokens } from "./retry.ts";
import type { EndpointStats, PacketDrop } from "./stats.ts";

export type Verdict =
  | { readonly type: "drop"; readonly reason: PacketDrop }
  /** Answer without state; the packet counts as dropped for `reason`. */
  | { readonly type: "answer"; readonly reason: PacketDrop; readonly packet: Uint8Array }
  /** `original` is set when the client was sent away with a Retry first. */
  | {
      readonly type: "accept";
      readonly scid: Uint8Array;
      readonly original: Uint8Array | undefined;
      readonly prefix: Prefix;
    };

export interface DoormanOptions {
  /** Undefined switches Retry off. */
  readonly retry: { readonly lifetimeMs: number; readonly replayLimit: number } | undefined;
  /** Retry answers per second in all: addresses are not validated yet, so they cannot be told apart. */
  readonly retriesPerSecond: number;
}

export class Doorman {
  readonly #ids: ConnectionIds;
  readonly #admission: Admission;
  readonly #stats: EndpointStats;
  readonly #tokens: RetryTokens | undefined;
  readonly #retryRate: TokenBucket;
  readonly #out = new Uint8Array(MAX_ANSWER_BYTES);

  constructor(
    options: DoormanOptions,
    parts: { ids: ConnectionIds; admission: Admission; stats: EndpointStats; random: (bytes: Uint8Array) => void },
    now: Millis,
  ) {
    this.#ids = parts.ids;
    this.#admission = parts.admission;
    this.#stats = parts.stats;
    this.#tokens = options.retry && new RetryTokens(options.retry, parts.random, now);
    const perSecond = options.retriesPerSecond;
    this.#retryRate = new TokenBucket({ perSecond, burst: perSecond }, now);
  }

  judge(packet: Uint8Array, header: LongHeader, from: SocketAddress, now: Millis): Verdict {
    // The kernel refuses to answer port 0, so such a source can only be forged.
    if (from.port === 0) return drop("source-port-0");
    // Type bits are version-specific, but only what looks like a version 1 Initial may begin a connection.
    if (header.packetType !== TYPE_INITIAL || header.version === 0) return drop("unknown-connection");
    if (packet.length < MIN_INITIAL_BYTES) return drop("small-initial");
    if (header.version !== QUIC_V1) return this.#negotiate(header);
    if (header.dcid.length < MIN_DESTINATION_ID_BYTES) return drop("short-destination-id");
    if (header.dcid.length > CONNECTION_ID_BYTES || header.scid.length > CONNECTION_ID_BYTES) {
      return drop("malformed-header");
    }
    if (this.#tokens === undefined) return this.#admit(this.#ids.mint(), undefined, from, now);
    if (header.token.length === 0) return this.#retry(this.#tokens, header, from, now);
    return this.#redeem(this.#tokens, header, from, now);
  }

  /** RFC 9000, 17.2.1: both ids swapped, and the one version that we speak. */
  #negotiate({ dcid, scid }: LongHeader): Verdict {
    const packet = new Uint8Array(7 + dcid.length + scid.length + 4);
    packet[0] = 0xc0;
    packet[5] = scid.length;
    packet.set(scid, 6);
    packet[6 + scid.length] = dcid.length;
    packet.set(dcid, 7 + scid.length);
    packet[packet.length - 1] = QUIC_V1;
    return { type: "answer", reason: "version-negotiated", packet };
  }

  #retry(tokens: RetryTokens, { scid, dcid, version }: LongHeader, from: SocketAddress, now: Millis): Verdict {
    if (!this.#retryRate.allow(now)) return drop("retry-limited");
    const next = this.#ids.mint();
    const token = tokens.mint(dcid, from, next, now);
    const length = quiche.retry(scid, dcid, next, token, version, this.#out);
    return { type: "answer", reason: "retry-sent", packet: this.#out.subarray(0, length) };
  }

  /** The client continues under the id of the Retry, which therefore becomes the connection's own. */
  #redeem(tokens: RetryTokens, { dcid, token }: LongHeader, from: SocketAddress, now: Millis): Verdict {
    const original = tokens.redeem(token, from, dcid, now);
    if (typeof original === "string") {
      this.#stats.retryTokenFailures++;
      return drop(`token-${original}`);
    }
    this.#stats.retryTokensValidated++;
    const verdict = this.#admit(dcid.slice(), original, from, now);
    // There was no room: a client repeats its Initial, and there may be by then.
    if (verdict.type === "drop") tokens.giveBack(token);
    return verdict;
  }

  #admit(scid: Uint8Array, original: Uint8Array | undefined, from: SocketAddress, now: Millis): Verdict {
    const prefix = prefixOf(from);
    const refusal = this.#admission.refuse(prefix, now);
    return refusal === undefined ? { type: "accept", scid, original, prefix } : drop(refusal);
  }
}

function drop(reason: PacketDrop): Verdict {
  return { type: "drop", reason };
}

/** RFC 9000, 14.1: smaller Initials would make us an amplifier. */
const MIN_INITIAL_BYTES = 1200;
/** RFC 9000, 7.2. */
const MIN_DESTINATION_ID_BYTES = 8;
const MAX_ANSWER_BYTES = 512;
