// What the TCP connections of a process have in common: how they are numbered and limited, and the memory they share.
import type { ConnectionLimits } from "../tcp/connection-options.ts";
import type { KeyedHash } from "../tcp/isn.ts";
import { PagePool } from "../tcp/page-pool.ts";
import { newTcpStats, type TcpStats } from "../tcp/stats.ts";

export interface TcpShared {
  /** Keyed with a secret of this process: makes initial sequence numbers that strangers cannot guess. */
  readonly hash: KeyedHash;
  readonly limits: Partial<ConnectionLimits>;
  readonly stats: TcpStats;
  readonly pages: PagePool;
  readonly memory: TcpMemory;
  /** Ends of connections that one stack remembers at most: the oldest makes way, which RFC 6191 permits. */
  readonly maxTimeWaits: number;
}

/** Bytes that connections hold for slow readers, in all. */
export interface TcpMemory {
  used: number;
  readonly limit: number;
}

/** `memoryLimit` in bytes. */
export function tcpShared(
  hash: KeyedHash,
  limits: Partial<ConnectionLimits>,
  memoryLimit: number,
  maxTimeWaits = MAX_TIME_WAITS,
): TcpShared {
  const memory = { used: 0, limit: memoryLimit };
  return { hash, limits, stats: newTcpStats(), pages: new PagePool(KEPT_PAGE_BYTES), memory, maxTimeWaits };
}

/** Each costs some 3 KB. */
const MAX_TIME_WAITS = 4096;
const KEPT_PAGE_BYTES = 16 * 1024 * 1024;
