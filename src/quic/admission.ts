// What a stranger may cost: checked before any cryptography, counted, never logged.
import type { Millis } from "../core/machine.ts";
import { RateLimiter } from "../core/rate-limiter.ts";
import type { SocketAddress } from "../wire/address.ts";

export interface AdmissionLimits {
  /** Connections in all. */
  readonly connections: number;
  /** Connections of one /24 (IPv4) or /64 (IPv6). */
  readonly connectionsPerPrefix: number;
  /** Handshakes under way in all. */
  readonly halfOpen: number;
  /** New handshakes per second of one prefix, and at once. */
  readonly handshakesPerSecond: number;
  /** Source prefixes that are remembered for the rate. */
  readonly prefixes: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = {
  connections: 65_536,
  connectionsPerPrefix: 8192,
  halfOpen: 4096,
  handshakesPerSecond: 1000,
  prefixes: 65_536,
};

export type AdmissionRefusal = "limit-connections" | "limit-prefix" | "limit-half-open" | "limit-handshake-rate";

/** A handshake that is not complete, and how to end it. */
export interface Handshake {
  readonly since: Millis;
  readonly giveUp: () => void;
}

/** A source network: a number for an IPv4 /24, text for an IPv6 /64. */
export type Prefix = number | string;

export class Admission {
  #limits: AdmissionLimits;
  #rate: RateLimiter<Prefix>;
  readonly #perPrefix = new Map<Prefix, number>();
  /** Oldest first. */
  readonly #handshakes = new Set<Handshake>();
  #connections = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#rate = rateLimiter(limits);
  }

  /** Other limits from now on; whoever is in stays. */
  reload(limits: AdmissionLimits): void {
    this.#limits = limits;
    this.#rate = rateLimiter(limits);
  }

  /** Asked once for each new connection whose address is as good as validated; undefined means that it may open. */
  refuse(prefix: Prefix, now: Millis): AdmissionRefusal | undefined {
    if (this.#connections >= this.#limits.connections) return "limit-connections";
    if ((this.#perPrefix.get(prefix) ?? 0) >= this.#limits.connectionsPerPrefix) return "limit-prefix";
    const [oldest] = this.#handshakes;
    const isFull = oldest !== undefined && this.#handshakes.size >= this.#limits.halfOpen;
    if (isFull && now - oldest.since < PATIENCE_MS) return "limit-half-open";
    if (!this.#rate.allow(prefix, now)) return "limit-handshake-rate";
    // Whoever only begins handshakes must not keep out those who would complete theirs.
    if (isFull) oldest.giveUp();
    return undefined;
  }

  opened(prefix: Prefix, handshake: Handshake): void {
    this.#connections++;
    this.#handshakes.add(handshake);
    this.#perPrefix.set(prefix, (this.#perPrefix.get(prefix) ?? 0) + 1);
  }

  /** The handshake ended, well or not. */
  settled(handshake: Handshake): void {
    this.#handshakes.delete(handshake);
  }

  closed(prefix: Prefix): void {
    this.#connections--;
    const left = (this.#perPrefix.get(prefix) ?? 1) - 1;
    if (left > 0) this.#perPrefix.set(prefix, left);
    else this.#perPrefix.delete(prefix);
  }

  get halfOpen(): number {
    return this.#handshakes.size;
  }

  get connections(): number {
    return this.#connections;
  }
}

function rateLimiter({ handshakesPerSecond, prefixes }: AdmissionLimits): RateLimiter<Prefix> {
  return new RateLimiter({ perSecond: handshakesPerSecond, burst: handshakesPerSecond, maxKeys: prefixes });
}

export function prefixOf(address: SocketAddress): Prefix {
  return address.ipv4 === undefined ? ipv6Prefix(address.host) : address.ipv4 >>> 8;
}

/** The first four groups of an IPv6 literal, zeros written out. */
function ipv6Prefix(host: string): string {
  const [left = "", right] = host.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  return groups.slice(0, 4).join(":");
}

/** A handshake takes a few round trips: an older one makes room for a new one when there is none left. */
const PATIENCE_MS = 1000;
