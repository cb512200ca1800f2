// Why a relay would not have us: reason codes that waiting does not mend, and what the operator can do about each.
import type { DialFailure, Fatal, PeerEvent } from "./peer.ts";

type Disconnected = Extract<PeerEvent, { type: "disconnected" }>;

/** The stable reason code in a close by the relay: its reason text if that is one of ours, else the TLS alert. */
export function closeReason(event: Disconnected): string {
  if (CREDENTIAL_SENTENCES.has(event.reason)) return event.reason;
  const isAlert = event.layer === "transport" && event.code >= FIRST_ALERT && event.code <= LAST_ALERT;
  if (isAlert) return ALERT_REASONS[event.code] ?? "bad-certificate";
  return CLOSE_TEXT.test(event.reason) ? event.reason : `code-${event.code}`;
}

/** The end of a role whose credentials, or whose relay's, do not serve; undefined for a reason that may pass by itself. */
export function credentialFailure(reason: DialFailure | string): Fatal | undefined {
  const sentence = CREDENTIAL_SENTENCES.get(reason);
  return sentence === undefined ? undefined : { type: "fatal", exit: "credentials", reason, sentence };
}

const FIRST_ALERT = 0x100;
const LAST_ALERT = 0x1ff;

/** What may go into a log as it came: short and harmless. */
const CLOSE_TEXT = /^[a-z][a-z0-9 -]{0,59}$/;

const ALERT_REASONS: Readonly<Record<number, string>> = {
  298: "bad-certificate",
  299: "wrong-purpose",
  301: "expired",
  304: "unknown-ca",
  372: "no-client-cert",
  376: "alpn",
};

const CREDENTIAL_SENTENCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "no-client-cert": "The relay demands a client certificate: give one with --client-cert and --client-key.",
    "unknown-ca": "One side does not trust the other's certificate authority: check --ca-cert here and on the relay.",
    expired: "A certificate has expired: issue a new one (ztna certs issue), for this side or for the relay.",
    "not-yet-valid": "A certificate is not valid yet: check the clocks of both hosts.",
    "wrong-purpose": "A certificate is not meant for this use: clients need clientAuth, the relay needs serverAuth.",
    "wrong-name": "The relay's certificate does not carry its name: give the name that it carries with --server-name.",
    "bad-certificate": "A certificate was refused: inspect both with ztna certs verify.",
    "ca-as-leaf": "The client certificate is that of an authority: issue one for this client (ztna certs issue).",
    "weak-key": "The key of a certificate is too weak: issue a new one (ztna certs issue).",
    "no-name": "The client certificate has no common name: issue a new one (ztna certs issue).",
    revoked: "The client certificate has been revoked: ask the operator of the relay for a new one.",
  }),
);
