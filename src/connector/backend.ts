// The port between the connector, which decides, and runtime/backends.ts, which owns real sockets: one UDP socket for
// each flow, and the streams of tunnel/stream.ts for TCP.
import type { StreamCommand, StreamEvent, StreamFailure } from "../tunnel/stream.ts";

/** Names one backend socket for its lifetime; chosen by the connector, never reused within a process. */
export type BackendId = number;

export type UdpCommand =
  /** Open a connected UDP socket; `host` may be a name. Sends before it is open are queued by the shell, bounded. */
  | { readonly type: "udp-open"; readonly backend: BackendId; readonly host: string; readonly port: number }
  | { readonly type: "udp-send"; readonly backend: BackendId; readonly bytes: Uint8Array }
  | { readonly type: "udp-close"; readonly backend: BackendId };

export type UdpFailure = "unresolved" | "refused" | "no-socket";

export type UdpEvent =
  | { readonly type: "udp-data"; readonly backend: BackendId; readonly bytes: Uint8Array }
  /** The socket is closed by the shell after this; the backend id is dead. */
  | { readonly type: "udp-failed"; readonly backend: BackendId; readonly reason: UdpFailure };

export type BackendCommand = UdpCommand | StreamCommand;
export type BackendEvent = UdpEvent | StreamEvent;

/** "timeout": nothing answered for as long as the connector waits. */
export type BackendFailure = UdpFailure | StreamFailure | "timeout";
