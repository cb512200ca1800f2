// Why a relay would not have us: reason codes that waiting does not mend, and what the operator can do about each.
import type { DialFailure, Fatal, PeerEvent } from "./peer.ts";

type Disconnected = Extract<PeerEvent, { type: "disconnected" }>;

/** Whose certificate was refused: in TLS 1.3 the relay judges ours only after our handshake is complete. */
export type Refused = "relay" | "own";

/** The stable reason code in a close by the relay: its reason text if that is one of ours, else the TLS alert. */
export function closeReason(event: Disconnected): string {
  if (CREDENTIAL_SENTENCES.has(event.reason)) return event.reason;
  const isAlert = event.layer === "transport" && event.code >= FIRST_ALERT && event.code <= LAST_ALERT;
  if (isAlert) return ALERT_REASONS[event.code] ?? "bad-certificate";
  return CLOSE_TEXT.test(event.reason) ? event.reason : `code-${event.code}`;
}

/** The end of a role whose credentials, or whose relay's, do not serve; undefined for a reason that may pass by itself. */
export function credentialFailure(reason: DialFailure | string, refused: Refused): Fatal | undefined {
  const sentence = CREDENTIAL_SENTENCES.get(reason)?.[refused];
  return sentence === undefined ? undefined : { type: "fatal", exit: "credentials", reason, sentence };
}

const FIRST_ALERT = 0x100;
const LAST_ALERT = 0x1ff;

/** What may go into a log as it came: short and harmless. */
const CLOSE_TEXT = /^[a-z][a-z0-9 -]{0,59}$/;

const ALERT_REASONS: Readonly<Record<number, string>> = {
  298: "bad-certificate",
  299: "wrong-purpose",
  300: "revoked",
  301: "expired",
  304: "unknown-ca",
  372: "no-client-cert",
  376: "alpn",
};

const ISSUE_OWN = "issue a new one (ztna certs issue)";
const NO_CLIENT_CERT = "The relay demands a client certificate: give one with --client-cert and --client-key.";

const CREDENTIAL_SENTENCES: ReadonlyMap<string, Readonly<Record<Refused, string>>> = new Map(
  Object.entries({
    "no-client-cert": { relay: NO_CLIENT_CERT, own: NO_CLIENT_CERT },
    "unknown-ca": {
      relay: "The relay's certificate does not come from the authority that we trust: check --ca-cert.",
      own: "The relay does not trust the authority of our certificate: give one of its own CA with --client-cert.",
    },
    expired: {
      relay: "The relay's certificate has expired: its operator must renew it.",
      own: `Our certificate has expired: ${ISSUE_OWN}.`,
    },
    "not-yet-valid": {
      relay: "The relay's certificate is not valid yet: check the clocks of both hosts.",
      own: "Our certificate is not valid yet: check the clocks of both hosts.",
    },
    "wrong-purpose": {
      relay: "The relay's certificate is not one for servers: its operator must issue it with --server.",
      own: "Our certificate is not one for clients: issue one with --connector or --agent (ztna certs issue).",
    },
    "wrong-name": {
      relay: "The relay's certificate does not carry its name: give the name that it carries with --server-name.",
      own: "The relay does not accept the names in our certificate: inspect it with ztna certs show.",
    },
    "bad-certificate": {
      relay: "The relay's certificate is unusable: its operator should inspect it with ztna certs verify.",
      own: "The relay refused our certificate as unusable: inspect it with ztna certs verify.",
    },
    "ca-as-leaf": {
      relay: "The relay's certificate is that of an authority: its operator must issue one for the relay.",
      own: `Our certificate is that of an authority: ${ISSUE_OWN}.`,
    },
    "weak-key": {
      relay: "The key of the relay's certificate is too weak: its operator must issue a new one.",
      own: `The key of our certificate is too weak: ${ISSUE_OWN}.`,
    },
    "no-name": {
      relay: "The relay's certificate has no name: its operator must issue a new one.",
      own: `Our certificate has no common name: ${ISSUE_OWN}.`,
    },
    revoked: {
      relay: "The relay's certificate has been revoked: its operator must issue a new one.",
      own: "Our certificate has been revoked: ask the operator of the relay for a new one.",
    },
  }),
);
