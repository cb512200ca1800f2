// Datagrams on their way out: straight into quiche while the connection flows, into our queue while it is congested.
// There they wait a bounded time; the oldest are dropped first, because what is late is least wanted.
import type { Millis } from "../core/machine.ts";
import { type Connection, MAX_WAIT_MS } from "./connection.ts";
import { DatagramQueue } from "./datagram-queue.ts";
import { MOST_WAITING_DATAGRAMS, WAITING_DATAGRAMS, WAITING_IN_ALL } from "./settings.ts";
import type { EndpointStats } from "./stats.ts";

/** Takes a datagram or counts why not; true when the connection has something to transmit. */
export function sendDatagram(connection: Connection, bytes: Uint8Array, now: Millis, stats: EndpointStats): boolean {
  const dropped = stats.datagramsDropped;
  stats.datagramsTaken++;
  if (connection.state !== "open") {
    dropped["not-connected"]++;
    return false;
  }
  // Asked beforehand because quiche answers an oversize datagram with an exception, which costs more.
  if (bytes.length > connection.maxDatagram) {
    dropped["too-large"]++;
    return false;
  }
  if (!connection.congested && offer(connection, bytes, stats)) return true;
  connection.congested = true;
  connection.waiting ??= new DatagramQueue(MOST_WAITING_DATAGRAMS);
  dropLate(connection, now, stats);
  if (waitingRoom(connection, stats) > 0 && connection.waiting.push(bytes, now)) {
    stats.datagramsWaiting++;
    return true;
  }
  connection.full = true;
  dropped["queue-full"]++;
  return false;
}

/**
 * After the connection has written what it could: moves some of what waits into quiche. `isDrained`: quiche's queue is
 * known to be empty. True when there is more to write now.
 */
export function refill(connection: Connection, isDrained: boolean, now: Millis, stats: EndpointStats): boolean {
  if (connection.offered === 0 && !connection.congested) return false;
  connection.offered = 0;
  connection.congested = !isDrained && connection.native.dgramSendQueueLen() > 0;
  const { waiting } = connection;
  if (waiting === undefined) return false;
  dropLate(connection, now, stats);
  let moved = 0;
  for (let next = waiting.peek(); !connection.congested && next !== undefined; next = waiting.peek()) {
    if (moved >= REFILL || !offer(connection, next, stats)) connection.congested = true;
    else {
      waiting.shift();
      stats.datagramsWaiting--;
      moved++;
    }
  }
  if (waiting.length === 0) connection.waiting = undefined;
  else connection.congested = true;
  return moved > 0;
}

/** True, once, when a sender that was told to wait can go on. */
export function takeWritable(connection: Connection): boolean {
  const { held, full, congested, waiting } = connection;
  if ((!held || congested) && (!full || waiting?.room === 0)) return false;
  connection.held = false;
  connection.full = false;
  return true;
}

/** Datagrams that may still be kept for a connection: its share, and more of what others leave. */
export function waitingRoom({ waiting }: Connection, stats: EndpointStats): number {
  const limit = stats.datagramsWaiting < WAITING_IN_ALL ? MOST_WAITING_DATAGRAMS : WAITING_DATAGRAMS;
  return Math.max(0, limit - (waiting?.length ?? 0));
}

/** False when quiche's queue is full. */
function offer(connection: Connection, bytes: Uint8Array, stats: EndpointStats): boolean {
  connection.offered++;
  try {
    if (connection.native.dgramSend(bytes) === null) return false;
    stats.datagramsSent++;
  } catch {
    // The limit shrank after the datagram was taken.
    stats.datagramsDropped["too-large"]++;
  }
  return true;
}

function dropLate({ waiting }: Connection, now: Millis, stats: EndpointStats): void {
  for (let since = waiting?.since(); since !== undefined && now - since > MAX_WAIT_MS; since = waiting?.since()) {
    waiting?.shift();
    stats.datagramsWaiting--;
    stats.datagramsDropped.late++;
  }
}

/** The connection is over: what waits will not leave. */
export function abandonWaiting(connection: Connection, stats: EndpointStats): void {
  const count = connection.waiting?.length ?? 0;
  connection.waiting = undefined;
  stats.datagramsWaiting -= count;
  stats.datagramsDropped["not-connected"] += count;
}

/** Enough for quiche to fill its window, few enough to be on their way soon. */
const REFILL = 32;
