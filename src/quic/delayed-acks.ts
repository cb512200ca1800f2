// When a connection that has only received is written to: quiche acknowledges whenever it is asked for packets, so not
// asking yet is what delays an acknowledgement (RFC 9000, 13.2). One costs as much as a packet of data, on both ends.
// A few packets are acknowledged together, or after a short time, or by data that leaves anyway.
import type { Millis } from "../core/machine.ts";
import type { ConnectionState } from "./connection.ts";

export interface Acknowledging {
  readonly state: ConnectionState;
  readonly congested: boolean;
  /** Packets that came since it was last written to. */
  unacknowledged: number;
  /** It waits for the next sweep. */
  owesAck: boolean;
}

export class DelayedAcks<C extends Acknowledging> {
  /** Those that owe one since the last sweep: all are served together, so one deadline is enough. */
  readonly #owing: C[] = [];
  #sweepAt: Millis | undefined;

  /** A packet came for `connection`; true when it has to be written to at once. */
  received(connection: C, now: Millis): boolean {
    connection.unacknowledged++;
    // A congested connection waits for what the packet acknowledged; anything but an open one is in a hurry.
    if (connection.state !== "open" || connection.congested) return true;
    if (connection.unacknowledged >= MAX_PACKETS) return true;
    if (connection.owesAck) return false;
    connection.owesAck = true;
    this.#owing.push(connection);
    this.#sweepAt ??= now + MAX_DELAY_MS;
    return false;
  }

  deadline(): Millis | undefined {
    return this.#sweepAt;
  }

  /** A connection whose acknowledgement is due. Call until undefined. */
  takeDue(now: Millis): C | undefined {
    if (this.#sweepAt === undefined || now < this.#sweepAt) return undefined;
    for (let connection = this.#owing.pop(); connection !== undefined; connection = this.#owing.pop()) {
      connection.owesAck = false;
      if (connection.unacknowledged > 0) return connection;
    }
    this.#sweepAt = undefined;
    return undefined;
  }
}

/** Below a sender's initial window of 10 packets (RFC 9002, 7.2), so that it never waits for us. */
export const MAX_PACKETS = 8;
/** Two fifths of the delay that we announce (RFC 9000, 18.2: 25 ms); a hundred clients that each send a little need fewer. */
export const MAX_DELAY_MS = 10;
