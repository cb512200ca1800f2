// Whether a run went as it should. Without `strict` only what the reference client calls a failure is one, and what
// the operator said to expect; with it, everything that did not work.
import { closeReason, credentialFailure } from "../tunnel/refusal.ts";
import { NACK_LIMIT, NACK_MALFORMED, NACK_NOT_GRANTED } from "../wire/tunnel.ts";
import { type CloseExpectation, matchesClose } from "./close-expectation.ts";
import type { Closed, HandshakeResult, ProbeReport } from "./probe-output.ts";

export interface Expectations {
  /** The relay turns us away. */
  readonly rejection: boolean;
  readonly ack: boolean;
  readonly nack?: number;
  readonly close?: CloseExpectation;
  readonly strict: boolean;
}

/** Tells the exit status of a strict run; without `strict` they are all the same. */
export type FailureCause = "failed" | "credentials" | "unreachable" | "refused";

export interface Failure {
  readonly cause: FailureCause;
  readonly sentence: string;
}

/** The first thing that went wrong; undefined when nothing did. */
export function failureOf(report: ProbeReport, expected: Expectations): Failure | undefined {
  const endIsExpected = expected.rejection || expected.close !== undefined;
  const ended = endIsExpected ? unexpectedEnd(report, expected) : handshakeFailure(report);
  const asked = ended ?? unexpectedAnswer(report, expected) ?? (endIsExpected ? undefined : sendFailure(report));
  if (asked !== undefined || !expected.strict) return asked;
  const { registration } = report;
  if (registration.type === "refused" && expected.nack === undefined) return refusal(registration.status);
  if (endIsExpected) return undefined;
  if (report.closed !== undefined) return closeFailure(report.closed);
  return unanswered(report) ?? unverified(report);
}

/** One phrase for people: how the connection ended, or that it did not. */
export function closeText({ by, layer, code, reason }: Closed): string {
  if (by === "timeout" || by === "reset") return reason;
  return `${layer} code 0x${code.toString(16)}${reason === "" ? "" : ` (${reason})`}`;
}

function unexpectedEnd(report: ProbeReport, { rejection, close }: Expectations): Failure | undefined {
  if (close !== undefined && !matchesClose(close, report)) {
    const wanted = "code" in close ? `code 0x${close.code.toString(16)}` : `"${close.reason}"`;
    return failed(`The connection was expected to be closed with ${wanted}; instead ${whatHappened(report)}.`);
  }
  if (rejection && report.handshake?.done === true && report.closed === undefined) {
    return failed("The relay was expected to turn us away, but took us.");
  }
  return undefined;
}

function unexpectedAnswer(report: ProbeReport, { ack, nack }: Expectations): Failure | undefined {
  const { registration, closed } = report;
  const wanted = ack ? "acknowledged" : nack === undefined ? undefined : `refused with status ${nack}`;
  const got = registration.type === "refused" ? `refused with status ${registration.status}` : registration.type;
  if (wanted === undefined || got === wanted) return undefined;
  if (registration.type === "refused") return refusal(registration.status);
  if (closed !== undefined) return closeFailure(closed);
  return failed(`The registration was expected to be ${wanted}; instead ${whatHappened(report)}.`);
}

function whatHappened({ handshake, closed, registration }: ProbeReport): string {
  if (handshake?.done === false) return `the handshake failed: ${handshakeText(handshake)}`;
  if (closed !== undefined) return `it was closed: ${closeText(closed)}`;
  if (registration.type === "acknowledged") return "it stayed open and the registration was acknowledged";
  return registration.type === "unanswered" ? "there was no answer" : "it stayed open";
}

function handshakeFailure({ handshake }: ProbeReport): Failure | undefined {
  if (handshake?.done !== false) return undefined;
  const { reason } = handshake;
  const sentence = `The handshake failed: ${handshakeText(handshake)}.`;
  const credentials = credentialFailure(reason, "relay");
  if (credentials !== undefined) return { cause: "credentials", sentence: `${sentence} ${credentials.sentence}` };
  return { cause: reason === "unreachable" ? "unreachable" : "refused", sentence };
}

function handshakeText({ reason, detail }: Extract<HandshakeResult, { done: false }>): string {
  return detail === "" ? reason : `${reason} (${detail})`;
}

function sendFailure({ sendFailure: why, closed }: ProbeReport): Failure | undefined {
  if (why === undefined) return undefined;
  return closed === undefined ? failed(`Sending failed: ${why}.`) : closeFailure(closed);
}

function closeFailure(closed: Closed): Failure {
  const sentence = `The connection ended early: ${closeText(closed)}.`;
  const credentials = credentialFailure(closeReason({ type: "disconnected", peer: 0, ...closed }), "own");
  if (credentials !== undefined) return { cause: "credentials", sentence: `${sentence} ${credentials.sentence}` };
  // Silence, and the goodbye of a relay that shuts down, have code 0: nothing was refused.
  return { cause: closed.code === 0 ? "unreachable" : "refused", sentence };
}

function refusal(status: number): Failure {
  const reason = NACK_REASONS[status] ?? `status ${status}`;
  return { cause: "refused", sentence: `The relay refused the registration: ${reason}.` };
}

function unanswered({ registration, wantsAnswers, sent, answers, rtt }: ProbeReport): Failure | undefined {
  if (registration.type === "unanswered") return failed("The relay did not answer the registration.");
  if (rtt !== undefined && rtt.timeouts > 0) {
    return failed(`${rtt.timeouts} of ${rtt.timeouts + rtt.samples.length} round trips timed out.`);
  }
  return wantsAnswers && sent > 0 && answers === 0 ? failed("Nothing came back.") : undefined;
}

function unverified({ echo, ledger }: ProbeReport): Failure | undefined {
  if (echo !== undefined && echo.mismatches > 0) {
    return failed(`${echo.mismatches} of ${echo.total} payloads did not come back as they were sent.`);
  }
  if (ledger === undefined) return undefined;
  const { sent, lost, duplicate, foreign, corrupt } = ledger;
  if (lost + duplicate + foreign + corrupt === 0) return undefined;
  return failed(
    `Of ${sent} payloads ${lost} were lost; ${duplicate} duplicate, ${foreign} foreign, ${corrupt} corrupt.`,
  );
}

function failed(sentence: string): Failure {
  return { cause: "failed", sentence };
}

const NACK_REASONS: Readonly<Record<number, string>> = {
  [NACK_MALFORMED]: "malformed",
  [NACK_NOT_GRANTED]: "not-granted, no certificate of ours allows this service",
  [NACK_LIMIT]: "limit, too many registrations",
};
