// Connection-id rotation (RFC 9000, 5.1): what an observer sees of a connection changes from time to time.
import { Deadlines } from "../core/deadlines.ts";
import type { Millis } from "../core/machine.ts";
import type { Connection } from "./connection.ts";
import { type ConnectionIds, tokenToBigint } from "./connection-id.ts";
import type { Routes } from "./routes.ts";
import type { EndpointStats } from "./stats.ts";

export class Rotation {
  readonly #parts: { ids: ConnectionIds; routes: Routes; stats: EndpointStats; everyMs: Millis };
  readonly #due = new Deadlines<Connection>();

  constructor(parts: { ids: ConnectionIds; routes: Routes; stats: EndpointStats; everyMs: Millis }) {
    this.#parts = parts;
  }

  schedule(connection: Connection, now: Millis): void {
    this.#due.set(connection, now + this.#parts.everyMs);
  }

  cancel(connection: Connection): void {
    this.#due.clear(connection);
  }

  deadline(): Millis | undefined {
    return this.#due.next();
  }

  /** A connection that was given new ids and now has something to transmit. Call until undefined. */
  rotateNext(now: Millis): Connection | undefined {
    const connection = this.#due.takeExpired(now);
    if (connection === undefined) return undefined;
    this.#rotate(connection);
    this.schedule(connection, now);
    return connection;
  }

  /** Stops routing the ids that the peer gave back. */
  collectRetired(connection: Connection, now: Millis): void {
    for (let id = connection.native.retiredScidNext(); id; id = connection.native.retiredScidNext()) {
      this.#parts.routes.retire(id, connection, now);
    }
  }

  /** Issues ids until the oldest one has to be given back: only then does the peer move to a new one. */
  #rotate(connection: Connection): void {
    const { native, state } = connection;
    if (state !== "open") return;
    const { ids, routes, stats } = this.#parts;
    try {
      for (let left = native.sourceCidsLeft(); left >= 0; left--) {
        const id = ids.mint();
        native.newSourceCid(id, tokenToBigint(ids.resetToken(id)), true);
        routes.add(id, connection);
        stats.connectionIdsIssued++;
      }
    } catch {
      // The peer still holds ids that it was asked to give back: the next round tries again.
    }
  }
}
