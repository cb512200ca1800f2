// What an operator may set on the relay. Every limit has a counter in stats.ts and a test that reaches it.
import type { Rate } from "../core/rate-limiter.ts";
import type { PolicyOptions } from "../identity/policy.ts";

/** What happens when a connector registers a service that another connection serves: see takeover.ts. */
export type TakeoverPolicy = "pool" | "replace" | "deny";

export interface RelayOptions {
  readonly takeover: TakeoverPolicy;
  readonly policy: PolicyOptions;
  readonly limits: RelayLimits;
}

export interface RelayLimits {
  /** Registrations that one connection may hold, in both roles together. */
  readonly servicesPerConnection: number;
  /** Registration requests of one connection, repeats and malformed ones included. */
  readonly registrations: Rate;
  /** Registrations that all connections of one identity may hold together. */
  readonly registrationsPerIdentity: number;
  /** Connectors of one service, displaced and silent ones included. */
  readonly connectorsPerService: number;
  /** Services that anybody uses or serves. */
  readonly services: number;
  /** Datagrams from one connection; undefined switches the limit off. */
  readonly datagrams: Rate | undefined;
  /** Bytes of datagrams from one connection; undefined switches the limit off. The burst must hold a whole datagram. */
  readonly bytes: Rate | undefined;
  /** Inner source addresses of one agent connection. */
  readonly addressesPerConnection: number;
  /** Agent addresses in use or kept for their former holder; one identity may use a quarter of them. */
  readonly addresses: number;
  /** Resets and ICMP errors that the relay itself sends to one connection. */
  readonly answers: Rate;
}

/**
 * The rates of data are ceilings against a runaway peer, above what one connection can carry. An operator who wants
 * fairness between peers sets them lower.
 */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  servicesPerConnection: 64,
  registrations: { perSecond: 20, burst: 100 },
  registrationsPerIdentity: 16_384,
  connectorsPerService: 64,
  services: 16_384,
  datagrams: { perSecond: 200_000, burst: 200_000 },
  bytes: { perSecond: 250_000_000, burst: 250_000_000 },
  addressesPerConnection: 16,
  addresses: 65_536,
  answers: { perSecond: 20, burst: 50 },
};

export const DEFAULT_RELAY_OPTIONS: RelayOptions = {
  takeover: "pool",
  policy: { allowLegacyCerts: false },
  limits: DEFAULT_RELAY_LIMITS,
};
