// How a connection ended, in the words of the peer contract.
import type { Layer } from "../tunnel/peer.ts";
import type { NativeConnection } from "./native.ts";
import { printable } from "./peer-check.ts";

export interface Ending {
  readonly by: "us" | "peer" | "timeout" | "reset";
  readonly layer: Layer;
  readonly code: number;
  readonly reason: string;
}

export function ending(native: NativeConnection): Ending {
  const theirs = native.peerError();
  const error = theirs ?? native.localError();
  if (error !== null) {
    const reason = printable(new TextDecoder().decode(error.reason));
    const layer = error.isApp ? "application" : "transport";
    return { by: theirs === null ? "us" : "peer", layer, code: error.errorCode, reason };
  }
  const timedOut = native.isTimedOut();
  // A connection that is closed without an error on either side and without a timeout got a stateless reset.
  const reason = timedOut ? "idle timeout" : "stateless reset";
  return { by: timedOut ? "timeout" : "reset", layer: "transport", code: 0, reason };
}
