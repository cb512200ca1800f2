// What TLS lets pass and we do not: asked after the handshake and before anything is read from the peer.
import { parseLeaf } from "../identity/certificate.ts";
import { ANONYMOUS, type Anonymous, type Identity } from "../identity/identity.ts";
import { checkLeaf, identityOf } from "../identity/leaf-policy.ts";
import type { CertificateId } from "../identity/revocation-list.ts";
import { matchesServer, type ServerNames } from "../identity/server-name.ts";
import type { DialFailure, PeerEvent } from "../tunnel/peer.ts";
import type { NativeConnection } from "./native.ts";
import type { ClientAuth, Revocations } from "./settings.ts";
import type { PeerRefusal } from "./stats.ts";

export type PeerCheck =
  | {
      readonly identity: Identity | Anonymous;
      /** A client's, as it sent them. */
      readonly certificates?: readonly CertificateId[];
    }
  | { readonly refusal: PeerRefusal };

export interface PeerCheckOptions {
  readonly server?: { readonly clientAuth: ClientAuth };
  readonly client?: { readonly verifyPeer: boolean };
  /** As they are now. */
  readonly revocations: () => Revocations | undefined;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

/** `expected` names the server that we dialled; without it the peer is a client of ours. */
export function checkPeer(
  native: NativeConnection,
  expected: ServerNames | undefined,
  { server, client, revocations, wallNow }: PeerCheckOptions,
): PeerCheck {
  if (expected === undefined) {
    return checkClient(native, server?.clientAuth ?? "required", revocations(), wallNow());
  }
  return client?.verifyPeer === false ? { identity: ANONYMOUS } : checkServer(native, expected, wallNow());
}

function checkClient(
  native: NativeConnection,
  auth: ClientAuth,
  revocations: Revocations | undefined,
  wallNow: number,
): PeerCheck {
  if (native.isResumed()) return { refusal: "resumed" };
  const [der, ...others] = native.peerCertChain() ?? [];
  if (der === undefined) return auth === "required" ? { refusal: "no-client-cert" } : { identity: ANONYMOUS };
  const leaf = parseLeaf(der);
  if (leaf === undefined) return { refusal: "bad-certificate" };
  const refusal = checkLeaf(leaf, "client", wallNow);
  if (refusal !== undefined) return { refusal };
  // An authority in between can be revoked as well.
  const chain = [leaf, ...others.map(parseLeaf)].filter((certificate) => certificate !== undefined);
  const certificates = chain.map(({ issuer, serial }) => ({ issuer, serial }));
  if (revocations !== undefined && isRevoked(certificates, revocations)) return { refusal: "revoked" };
  return { identity: identityOf(leaf), certificates };
}

/** One that is revoked spoils the chain. */
export function isRevoked(certificates: readonly CertificateId[], revocations: Revocations): boolean {
  return certificates.some((certificate) => revocations.isRevoked(certificate));
}

/** Whether the server that answered is the one we meant. */
function checkServer(native: NativeConnection, expected: ServerNames, wallNow: number): PeerCheck {
  const der = native.peerCertChain()?.[0];
  const leaf = der === undefined ? undefined : parseLeaf(der);
  if (leaf === undefined) return { refusal: "bad-certificate" };
  const refusal = checkLeaf(leaf, "server", wallNow);
  if (refusal !== undefined) return { refusal };
  return matchesServer(leaf, expected) ? { identity: identityOf(leaf) } : { refusal: "wrong-name" };
}

/** The transport error code that goes with a refusal; the reason text says the rest. */
export function closeCode(refusal: PeerRefusal): number {
  return REFUSAL_CODES[refusal] ?? INTERNAL_ERROR;
}

/** A failed handshake in the words of a dialling role. */
export type DialEnding = Pick<Extract<PeerEvent, { type: "dial-failed" }>, "reason" | "detail" | "code">;

/** Our own refusal of a server. */
export function dialRefusal(refusal: PeerRefusal, expected: ServerNames): DialEnding {
  const code = closeCode(refusal);
  if (refusal === "wrong-name") {
    return { reason: refusal, detail: `the server's certificate names none of: ${expected.join(", ")}`, code };
  }
  const certificate = refusal === "expired" || refusal === "not-yet-valid" || refusal === "wrong-purpose";
  return { reason: certificate ? refusal : "bad-certificate", detail: `the server's certificate: ${refusal}`, code };
}

/** Why a handshake of ours failed, from the code that either side closed with. */
export function dialFailure(native: NativeConnection, wallNow: number): DialEnding {
  const local = native.localError();
  const error = native.peerError() ?? local;
  if (error === null) return { reason: "unreachable", detail: "nothing answered" };
  const text = new TextDecoder().decode(error.reason);
  const side = local === error ? "we refused the server's certificate" : "the server refused";
  const detail = `${side}, code 0x${error.errorCode.toString(16)}${text === "" ? "" : `, ${printable(text)}`}`;
  const code = error.errorCode;
  if (error.isApp) return { reason: "refused", detail, code };
  if (code === ALERT_EXPIRED && local === error) return { reason: expiryOf(native, wallNow), detail, code };
  return { reason: ALERTS[code] ?? "refused", detail, code };
}

/** BoringSSL has one alert for both; the dates of the chain tell them apart. */
function expiryOf(native: NativeConnection, wallNow: number): DialFailure {
  for (const der of native.peerCertChain() ?? []) {
    const leaf = parseLeaf(der);
    if (leaf !== undefined && leaf.notBefore > wallNow) return "not-yet-valid";
  }
  return "expired";
}

/** Reason texts come from the network. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 120);
}

const INTERNAL_ERROR = 0x01;
const ALERT_EXPIRED = 0x12d;
const REFUSAL_CODES: Partial<Record<PeerRefusal, number>> = {
  "no-client-cert": 0x174,
  "bad-certificate": 0x12a,
  "wrong-name": 0x12a,
  "wrong-purpose": 0x12b,
  revoked: 0x12c,
  expired: ALERT_EXPIRED,
  "not-yet-valid": ALERT_EXPIRED,
};
const ALERTS: Readonly<Record<number, DialFailure>> = {
  298: "bad-certificate",
  299: "wrong-purpose",
  301: "expired",
  304: "unknown-ca",
  372: "no-client-cert",
  376: "alpn",
};
