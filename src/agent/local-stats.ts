// What the local flows count. Of datagrams, at all times: received = forwarded + Σ dropped. Of connections: accepted =
// opening + opened + Σ refused, and closed ones are among the opened. Whatever local programs can cause at will is a
// counter; what becomes of a service is a notice, see local-reports.ts.
import type { SocksFault } from "./socks5.ts";

/** Why a connection of a local program led nowhere. */
export type LocalRefusal =
  | SocksFault
  | "handshake-timeout" // a SOCKS5 client that does not come to the point
  | "handshake-limit" // another one came, and too many had not come to the point
  | "connection-limit"
  | "unknown-target" // neither the name nor the virtual address of a service
  | "service-denied"
  | "relay-unavailable"
  | "refused" // by the service
  | "unreachable" // says the relay or the connector
  | "timed-out"
  | "ports-exhausted"
  | "no-socket" // for a UDP association
  | "abandoned"; // the program closed before there was a connection

/** Why a datagram of a local program went no further. */
export type LocalDrop =
  | "socks-malformed"
  | "socks-fragment"
  | "foreign-client" // another program than the one that the association is for
  | "unknown-target"
  | "service-denied"
  | "relay-unavailable"
  | "too-large" // for the tunnel: nothing is fragmented
  | "queue-full"
  | "ports-exhausted";

export class LocalStats {
  /** Connections of local programs. */
  accepted = 0;
  opened = 0;
  readonly refused: Partial<Record<LocalRefusal, number>> = {};

  /** Datagrams of local programs, and payload bytes of those that went on. */
  received = 0;
  forwarded = 0;
  forwardedBytes = 0;
  readonly dropped: Partial<Record<LocalDrop, number>> = {};
  /** Datagrams handed to local programs. */
  replies = 0;
  repliesBytes = 0;
  flowsOpened = 0;
  /** Those that made room for a newer one before they were idle. */
  flowsEvicted = 0;

  refuse(reason: LocalRefusal): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1;
  }

  drop(reason: LocalDrop): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }
}
