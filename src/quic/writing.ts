// Packets of one connection into a batch, in place.
import type { Millis } from "../core/machine.ts";
import type { Connection } from "./connection.ts";
import type { PacketBatch } from "./packet-batch.ts";
import { refill } from "./sending.ts";
import type { EndpointStats } from "./stats.ts";

/** As far as the congestion window goes. False when the batch is full before the connection has nothing left to say. */
export function writePackets(connection: Connection, batch: PacketBatch, now: Millis, stats: EndpointStats): boolean {
  do {
    if (!writeReady(connection, batch, stats)) return false;
  } while (refill(connection, now, stats));
  return true;
}

function writeReady(connection: Connection, batch: PacketBatch, stats: EndpointStats): boolean {
  for (;;) {
    if (batch.full) return false;
    const sent = connection.nextPacket(batch.next());
    if (sent === null) return true;
    const to = connection.pathTo(sent[1].to);
    if (to === undefined) continue;
    stats.sentPackets++;
    stats.sentBytes += sent[0];
    batch.commit(sent[0], to);
  }
}
