// What an authenticated packet says about the path: that the peer moved, that it lives, how much it takes.
import type { Outbox } from "../core/outbox.ts";
import type { PeerEvent } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Connection } from "./connection.ts";

/** The address is taken from quiche's validated path, never from the source of a packet that came along. */
export function followPath(connection: Connection, from: SocketAddress, events: Outbox<PeerEvent>): void {
  const { native, peer } = connection;
  for (let event = native.pathEventNext(); event; event = native.pathEventNext()) {
    if (event.type !== "PeerMigrated" || event.new.port !== from.port || event.new.host !== from.host) continue;
    connection.moveTo(from);
    if (connection.state !== "open") continue;
    events.push({ type: "moved", peer, address: from });
    updateLimit(connection, events);
  }
}

/** quiche counts a packet only after it was authenticated, so a forged one is no sign of life. Nor is a farewell. */
export function checkPing(connection: Connection, events: Outbox<PeerEvent>): void {
  const { pingedAtReceived } = connection;
  if (pingedAtReceived === undefined || connection.native.stats().recv <= pingedAtReceived) return;
  connection.pingedAtReceived = undefined;
  if (connection.native.isDraining()) return;
  events.push({ type: "heard", peer: connection.peer });
}

function updateLimit(connection: Connection, events: Outbox<PeerEvent>): void {
  const maxDatagram = connection.native.dgramMaxWritableLen() ?? 0;
  if (maxDatagram === connection.maxDatagram) return;
  connection.maxDatagram = maxDatagram;
  events.push({ type: "datagram-limit", peer: connection.peer, maxDatagram });
}
