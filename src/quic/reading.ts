// Takes what a connection has received: datagrams one by one, stream bytes into the bin.
import { Views } from "../core/views.ts";
import type { Connection } from "./connection.ts";
import type { EndpointStats } from "./stats.ts";

/** The next datagram, valid until the next call; undefined when there is none or the peer must not be read. */
export function readDatagram(connection: Connection, stats: EndpointStats): Uint8Array | undefined {
  if (connection.state !== "open") return undefined;
  const length = connection.native.dgramRecv(BUFFER);
  if (length === null) return undefined;
  stats.datagramsReceived++;
  return VIEWS.at(0, length);
}

/** Streams have no meaning here; unread they would hold the connection's whole receive window. */
export function discardStreams(connection: Connection, stats: EndpointStats): void {
  const { native } = connection;
  if (connection.state !== "open" || !native.isReadable()) return;
  for (const stream of native.readable()) {
    try {
      for (;;) {
        const read = native.streamRecv(stream, BUFFER);
        if (read === null) break;
        stats.streamBytesDiscarded += read[0];
        if (read[1]) break;
      }
    } catch {
      // A stream that the peer reset: nothing is left to read.
    }
  }
}

/** The largest datagram that we say we take (protocol: max_datagram_frame_size 65536). */
const BUFFER = new Uint8Array(65_536);
const VIEWS = new Views(BUFFER);
