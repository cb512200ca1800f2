// The port between a role, which decides, and runtime/stream-sockets.ts, which owns real TCP sockets. The connector
// opens streams to its backends; a rootless agent is given those that local programs opened.

/**
 * Names one socket for its lifetime; never reused within a process. The role chooses ids from 1 upwards for what it
 * opens, the shell those below 0 for what it accepts.
 */
export type StreamId = number;

export type StreamCommand =
  /** Connect; `host` may be a name. "stream-opened" or "stream-failed" follows unless it is closed before. */
  | { readonly type: "stream-open"; readonly stream: StreamId; readonly host: string; readonly port: number }
  /**
   * Borrowed bytes. "stream-taken" follows at once with how many of them the kernel took, and when those were not all,
   * "stream-writable" later: until then the kernel takes none.
   */
  | { readonly type: "stream-write"; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** Nothing more will be written: the other side reads to the end (half-close). */
  | { readonly type: "stream-end"; readonly stream: StreamId }
  /** Read no more until "stream-resume": the other side is slowed down by its own TCP. */
  | { readonly type: "stream-pause"; readonly stream: StreamId }
  | { readonly type: "stream-resume"; readonly stream: StreamId }
  /** The id is dead; no event follows. `reset` tells the other side that something went wrong. */
  | { readonly type: "stream-close"; readonly stream: StreamId; readonly reset: boolean };

export type StreamFailure = "unresolved" | "refused" | "unreachable" | "no-socket";

export type StreamEvent =
  | { readonly type: "stream-opened"; readonly stream: StreamId }
  /** It could not be opened; the id is dead. */
  | { readonly type: "stream-failed"; readonly stream: StreamId; readonly reason: StreamFailure }
  /** The bytes are the role's to keep: nobody changes them any more. */
  | { readonly type: "stream-data"; readonly stream: StreamId; readonly bytes: Uint8Array }
  | { readonly type: "stream-taken"; readonly stream: StreamId; readonly count: number }
  | { readonly type: "stream-writable"; readonly stream: StreamId }
  /** The other side will write no more; everything that it wrote came before. */
  | { readonly type: "stream-ended"; readonly stream: StreamId }
  /** The socket is gone and the id dead: reset by the other side, or broken. */
  | { readonly type: "stream-broken"; readonly stream: StreamId };
