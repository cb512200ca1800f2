// How a run is expected to be turned away: by a code of the transport, of TLS or of the application, or by a reason.

import { closeReason } from "../tunnel/refusal.ts";
import type { ProbeReport } from "./probe-output.ts";

export type CloseExpectation = { readonly code: number } | { readonly reason: string };

/** "0x174" and "372" are codes, everything else is a reason: "no-client-cert", "client cert required". */
export function parseCloseExpectation(text: string): CloseExpectation {
  return /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? { code: Number(text) } : { reason: text };
}

/** Whoever closed, and whether the handshake was complete by then. */
export function matchesClose(expected: CloseExpectation, report: ProbeReport): boolean {
  const { closed, handshake } = report;
  if (closed !== undefined) {
    if ("code" in expected) return closed.code === expected.code && closed.by !== "timeout" && closed.by !== "reset";
    return (
      closed.reason === expected.reason || closeReason({ type: "disconnected", peer: 0, ...closed }) === expected.reason
    );
  }
  if (handshake === undefined || handshake.done) return false;
  if ("reason" in expected) return handshake.reason === expected.reason;
  return handshake.code === expected.code;
}
