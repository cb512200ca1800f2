// One connection of a stack, what its owner keeps with it, and where it stands in the stack's lists.
import type { Millis } from "../core/machine.ts";
import type { Connection } from "../tcp/connection.ts";
import type { TcpFlow } from "../tcp/isn.ts";

export class TcpSession<Owner> {
  readonly connection: Connection;
  readonly flow: TcpFlow;
  readonly owner: Owner;
  /** When its owner wants to look at it, whatever the connection does. */
  wakeAt: Millis | undefined;
  /** Its owner needs it no more: once it is closed and has said so, the stack forgets it. */
  released = false;
  /** Of the stack: on its lists, in its table, segments in a row, and what it holds of the memory. */
  touched = false;
  ready = false;
  indexed = true;
  forgotten = false;
  burst = 0;
  held = 0;
  /** The next one with the same key. */
  next: TcpSession<Owner> | undefined;

  constructor(connection: Connection, flow: TcpFlow, owner: Owner) {
    this.connection = connection;
    this.flow = flow;
    this.owner = owner;
  }

  /** Nothing but the memory of its end is left. */
  get isOver(): boolean {
    return this.connection.state === "closed" || this.connection.state === "time-wait";
  }
}
