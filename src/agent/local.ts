// The port between the agent's local flows, which decide, and runtime/local-ports.ts, which owns the listening sockets,
// the connections that they accept and the UDP sockets beside them.
import type { StreamCommand, StreamEvent, StreamId } from "../tunnel/stream.ts";

/** A listener, by its place among those configured, from 0. Its UDP socket has the same number. */
export type ListenerId = number;

/** A UDP socket: a listener's own, or one that "local-udp-open" asked for, which the role numbers from LATER_SOCKETS on. */
export type LocalSocketId = number;

/** A local program's end of UDP. Interned: one object while it is in use, so that equality is identity. */
export interface LocalClient {
  /** An IP literal. */
  readonly host: string;
  readonly port: number;
}

export type LocalEvent =
  | StreamEvent
  /** A program connected from `host`. Nothing is read from it before "stream-resume". */
  | {
      readonly type: "local-accepted";
      readonly listener: ListenerId;
      readonly stream: StreamId;
      readonly host: string;
    }
  | {
      readonly type: "local-datagram";
      readonly socket: LocalSocketId;
      readonly from: LocalClient;
      readonly bytes: Uint8Array;
    }
  /** The socket that was asked for is there, at this address. */
  | {
      readonly type: "local-udp-opened";
      readonly socket: LocalSocketId;
      readonly host: string;
      readonly port: number;
    }
  /** It could not be opened, or it broke. It is closed. */
  | { readonly type: "local-udp-failed"; readonly socket: LocalSocketId };

export type LocalCommand =
  | StreamCommand
  | {
      readonly type: "local-datagram";
      readonly socket: LocalSocketId;
      readonly to: LocalClient;
      readonly bytes: Uint8Array;
    }
  /** Open a UDP socket at the address that the listener has, on any port. */
  | { readonly type: "local-udp-open"; readonly socket: LocalSocketId; readonly listener: ListenerId }
  | { readonly type: "local-udp-close"; readonly socket: LocalSocketId };

export const LATER_SOCKETS = 0x1_0000;
