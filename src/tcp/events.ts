// What a connection tells its owner.

/**
 * "readable": more bytes came in order. "writable": there is room again after write() took less than it was given.
 * "remote-closed": the peer will send no more, and all that it sent can be read. The last three end a connection, and
 * one of them comes at most once: "closed" after both sides closed, "reset" by the peer, "timed-out" without an answer.
 */
export type TcpEvent = "established" | "readable" | "writable" | "remote-closed" | "closed" | "reset" | "timed-out";

/** Events that were not polled yet, each at most once. */
export class PendingEvents {
  private readonly pending: TcpEvent[] = [];

  add(event: TcpEvent): void {
    if (!this.pending.includes(event)) this.pending.push(event);
  }

  shift(): TcpEvent | undefined {
    return this.pending.length === 0 ? undefined : this.pending.shift();
  }
}
