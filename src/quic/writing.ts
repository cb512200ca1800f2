// Packets of one connection into a batch, in place.
import type { Millis } from "../core/machine.ts";
import type { Connection } from "./connection.ts";
import type { PacketBatch } from "./packet-batch.ts";
import { refill } from "./sending.ts";
import type { EndpointStats } from "./stats.ts";

/** As far as the congestion window goes. False when the batch is full before the connection has nothing left to say. */
export function writePackets(connection: Connection, batch: PacketBatch, now: Millis, stats: EndpointStats): boolean {
  for (;;) {
    const end = writeReady(connection, batch, stats);
    if (end === "full") return false;
    if (!refill(connection, end === "drained", now, stats)) break;
  }
  connection.hasControl = false;
  return true;
}

/**
 * `drained`: every datagram has left. To ask quiche once more, only to hear that there is nothing, costs a fifth of a
 * packet: where no more is due than datagrams and an acknowledgement, which go together, the packets are counted.
 */
function writeReady(connection: Connection, batch: PacketBatch, stats: EndpointStats): "full" | "drained" | "done" {
  let expected = connection.hasControl || connection.congested ? Number.POSITIVE_INFINITY : connection.offered;
  for (;;) {
    if (batch.full) return "full";
    const sent = connection.nextPacket(batch.next());
    if (sent === null) return "done";
    const to = connection.pathTo(sent[1].to);
    if (to === undefined) continue;
    stats.sentPackets++;
    stats.sentBytes += sent[0];
    batch.commit(sent[0], to);
    if (--expected > 0) continue;
    if (connection.offered === 0) return "done";
    if (connection.native.dgramSendQueueLen() === 0) return "drained";
    expected = Number.POSITIVE_INFINITY;
  }
}
