// What a SOCKS5 client is told about a connection that cannot be had.
import type { LocalRefusal } from "./local-stats.ts";
import {
  SOCKS_FAILED,
  SOCKS_HOST_UNREACHABLE,
  SOCKS_NETWORK_UNREACHABLE,
  SOCKS_NOT_ALLOWED,
  SOCKS_REFUSED,
  SOCKS_UNKNOWN_ADDRESS_TYPE,
} from "./socks5.ts";

/** None for those who did not ask, or were answered where it was found out. */
export const REPLY_CODES: Readonly<Partial<Record<LocalRefusal, number>>> = {
  "unknown-target": SOCKS_NOT_ALLOWED,
  "service-denied": SOCKS_NOT_ALLOWED,
  "relay-unavailable": SOCKS_NETWORK_UNREACHABLE,
  unreachable: SOCKS_HOST_UNREACHABLE,
  "timed-out": SOCKS_HOST_UNREACHABLE,
  refused: SOCKS_REFUSED,
  "unknown-address-type": SOCKS_UNKNOWN_ADDRESS_TYPE,
  "connection-limit": SOCKS_FAILED,
  "ports-exhausted": SOCKS_FAILED,
  "no-socket": SOCKS_FAILED,
};
