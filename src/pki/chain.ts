// Follows a certificate to a trust anchor, and says which link is missing or wrong.
import { X509Certificate } from "node:crypto";
import { isWeakKey } from "../identity/leaf-policy.ts";
import { dayOf } from "./dates.ts";
import type { StoredCertificate } from "./key-material.ts";

/** Stable codes. `no-issuer`: nothing given issued it; `wrong-key`: a CA of the right name did not sign it. */
export type ChainFault =
  | "no-issuer"
  | "wrong-key"
  | "too-long"
  | "not-a-ca"
  | "path-length"
  | "weak-key"
  | "expired"
  | "not-yet-valid";

export interface BrokenChain {
  readonly ok: false;
  readonly fault: ChainFault;
  /** The certificate that is at fault, or that nothing issued. */
  readonly at: StoredCertificate;
  readonly detail: string;
  readonly fix: string;
}

export type Chain =
  | { readonly ok: true /** Leaf first, anchor last. */; readonly path: readonly StoredCertificate[] }
  | BrokenChain;

/**
 * `others` are the certificates that came with the leaf; only the anchors are trusted. Of several issuers among the
 * others the first that is valid is taken, without a way back: TLS libraries do so, and what they refuse must not pass
 * here. Of several anchors every one is tried, for a CA may be there twice, renewed under its old key.
 */
export function findChain(
  leaf: StoredCertificate,
  others: readonly StoredCertificate[],
  anchors: readonly StoredCertificate[],
  wallNow: number,
): Chain {
  const path = [leaf];
  for (let last = leaf; path.length <= MAX_LENGTH; ) {
    const founded = anchors
      .filter((anchor) => isIssuer(anchor, last))
      .map((anchor) => checkLinks([...path, anchor], wallNow));
    const [first] = founded;
    if (first !== undefined) return founded.find(({ ok }) => ok) ?? first;
    const issuers = others.filter((other) => !path.includes(other) && isIssuer(other, last));
    const next = issuers.find(({ facts }) => wallNow >= facts.notBefore && wallNow <= facts.notAfter) ?? issuers.at(-1);
    if (next === undefined) return missingIssuer(last, anchors);
    path.push(next);
    last = next;
  }
  return endless(leaf);
}

/** By name and by signature. */
export function isIssuer(candidate: StoredCertificate, of: StoredCertificate): boolean {
  const issuer = opened(candidate);
  const issued = opened(of);
  try {
    return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Parsing is dearer than looking up, and a CA is asked about every certificate. */
function opened(certificate: StoredCertificate): X509Certificate {
  const known = OPENED.get(certificate);
  if (known !== undefined) return known;
  const made = new X509Certificate(certificate.der);
  OPENED.set(certificate, made);
  return made;
}

function endless(at: StoredCertificate): BrokenChain {
  const detail = `the chain is longer than ${MAX_LENGTH} certificates`;
  return { ok: false, fault: "too-long", at, detail, fix: "issue from the CA itself" };
}

function missingIssuer(at: StoredCertificate, anchors: readonly StoredCertificate[]): BrokenChain {
  const { issuer, subject } = at.facts;
  const namesake = anchors.some(({ facts }) => facts.subject === issuer);
  return {
    ok: false,
    fault: namesake ? "wrong-key" : "no-issuer",
    at,
    detail: namesake
      ? `${subject} names ${issuer} as its issuer, but the key of that CA did not sign it`
      : `${subject} was issued by ${issuer}, which is not in the CA file`,
    fix: namesake
      ? "use the CA file that was made together with the certificate; a CA made anew under the old name is another CA"
      : "give the CA file of that issuer, or issue the certificate from this CA",
  };
}

function checkLinks(path: readonly StoredCertificate[], wallNow: number): Chain {
  for (const [index, at] of path.entries()) {
    const { facts } = at;
    const wrong = index === 0 ? undefined : issuerFault(facts, index - 1);
    if (wrong !== undefined) {
      return {
        ok: false,
        fault: wrong.fault,
        at,
        detail: `${facts.subject} ${wrong.words}`,
        fix: "issue from a proper CA",
      };
    }
    if (wallNow > facts.notAfter) {
      const detail = `${facts.subject} expired on ${dayOf(facts.notAfter)}`;
      return { ok: false, fault: "expired", at, detail, fix: "renew it" };
    }
    if (wallNow < facts.notBefore) {
      const detail = `${facts.subject} is valid only from ${dayOf(facts.notBefore)}`;
      return { ok: false, fault: "not-yet-valid", at, detail, fix: "check the clock" };
    }
  }
  return { ok: true, path };
}

/** `below` counts the CA certificates between this one and the leaf. */
function issuerFault(
  facts: StoredCertificate["facts"],
  below: number,
): { readonly fault: ChainFault; readonly words: string } | undefined {
  if (!facts.isCa || facts.keyUsage?.includes("keyCertSign") === false) {
    return { fault: "not-a-ca", words: "is not a CA certificate" };
  }
  if (isWeakKey(facts.key)) return { fault: "weak-key", words: "has a key that is too weak" };
  return facts.pathLength !== undefined && below > facts.pathLength
    ? { fault: "path-length", words: "may not have so many CAs below it" }
    : undefined;
}

const OPENED = new WeakMap<StoredCertificate, X509Certificate>();
const MAX_LENGTH = 8;
