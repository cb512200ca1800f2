// What a connection is made of and what it may cost. Everything random or secret comes in from outside.
import type { Millis } from "../core/machine.ts";
import type { InitialNumbers, TcpFlow } from "./isn.ts";
import type { PagePool } from "./page-pool.ts";
import type { TcpStats } from "./stats.ts";

export interface ConnectionOptions extends InitialNumbers, Partial<ConnectionLimits> {
  readonly flow: TcpFlow;
  /** The largest payload that a packet of the path carries behind 40 bytes of headers; setMss() changes it. */
  readonly mss: number;
  /** May be shared by any number of connections, and so may the next. */
  readonly stats?: TcpStats;
  readonly pages?: PagePool;
}

export interface ConnectionLimits {
  /**
   * Bytes that were written and not acknowledged, at most. Less than the queues of a relay hold, or one connection alone
   * would overflow them; a mebibyte carries 80 Mbit/s over a round trip of 100 ms.
   */
  readonly sendBufferBytes: number;
  /** Bytes that came and were not consumed, at most: the largest window, offered to peers whose bytes are taken. */
  readonly receiveBufferBytes: number;
  /** Hold small segments back while others are on their way (RFC 896). */
  readonly nagle: boolean;
  /** Ask a silent peer whether it is still there; undefined: never. Some simple peers never answer. */
  readonly keepalive: Keepalive | undefined;
  /** What we offer or accept in a SYN, beside the segment size. */
  readonly windowScaling: boolean;
  readonly selectiveAcks: boolean;
  readonly timestamps: boolean;
  readonly delayedAckMs: Millis;
  readonly minRtoMs: Millis;
  readonly maxRtoMs: Millis;
  /** A handshake without an answer ends after this. */
  readonly handshakeTimeoutMs: Millis;
  /** A connection whose peer acknowledges nothing ends after this. */
  readonly userTimeoutMs: Millis;
  /** How long the end that closed first remembers the connection. */
  readonly timeWaitMs: Millis;
}

/** With every default in its place. */
export interface ConnectionSettings extends ConnectionLimits, InitialNumbers {
  readonly flow: TcpFlow;
  readonly mss: number;
  readonly stats: TcpStats;
  readonly pages: PagePool;
}

export interface Keepalive {
  /** Silence before the first question, and between further ones. */
  readonly idleMs: Millis;
  readonly intervalMs: Millis;
  /** Questions without an answer after which the peer is gone. */
  readonly probes: number;
}

export const DEFAULT_LIMITS: ConnectionLimits = {
  sendBufferBytes: 1024 * 1024,
  receiveBufferBytes: 1024 * 1024,
  nagle: false,
  keepalive: undefined,
  ...{ windowScaling: true, selectiveAcks: true, timestamps: true },
  delayedAckMs: 40,
  minRtoMs: 200,
  maxRtoMs: 60_000,
  handshakeTimeoutMs: 60_000,
  userTimeoutMs: 120_000,
  timeWaitMs: 10_000,
};
