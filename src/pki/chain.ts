// Follows a certificate to a trust anchor, and says which link is missing or wrong.
import { X509Certificate } from "node:crypto";
import { isWeakKey } from "../identity/leaf-policy.ts";
import { dayOf } from "./dates.ts";
import type { StoredCertificate } from "./key-material.ts";

export type Chain =
  | { readonly ok: true /** Leaf first, anchor last. */; readonly path: readonly StoredCertificate[] }
  | { readonly ok: false; readonly detail: string; readonly fix: string };

/** `others` are the certificates that came with the leaf. Only the anchors are trusted. */
export function findChain(
  leaf: StoredCertificate,
  others: readonly StoredCertificate[],
  anchors: readonly StoredCertificate[],
  wallNow: number,
): Chain {
  const path = [leaf];
  for (let last = leaf; path.length <= MAX_LENGTH; ) {
    const anchor = anchors.find((candidate) => isIssuer(candidate, last));
    if (anchor !== undefined) return checkLinks([...path, anchor], wallNow);
    const next = others.find((candidate) => !path.includes(candidate) && isIssuer(candidate, last));
    if (next === undefined) return missingIssuer(last, anchors);
    path.push(next);
    last = next;
  }
  return { ok: false, detail: `the chain is longer than ${MAX_LENGTH} certificates`, fix: "issue from the CA itself" };
}

/** By name and by signature. */
function isIssuer(candidate: StoredCertificate, of: StoredCertificate): boolean {
  const issuer = new X509Certificate(candidate.der);
  const issued = new X509Certificate(of.der);
  return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
}

function missingIssuer(last: StoredCertificate, anchors: readonly StoredCertificate[]): Chain {
  const { issuer, subject } = last.facts;
  const namesake = anchors.some(({ facts }) => facts.subject === issuer);
  return {
    ok: false,
    detail: namesake
      ? `${subject} names ${issuer} as its issuer, but the key of that CA did not sign it`
      : `${subject} was issued by ${issuer}, which is not in the CA file`,
    fix: namesake
      ? "use the CA file that was made together with the certificate; a CA made anew under the old name is another CA"
      : "give the CA file of that issuer, or issue the certificate from this CA",
  };
}

function checkLinks(path: readonly StoredCertificate[], wallNow: number): Chain {
  for (const [index, { facts }] of path.entries()) {
    const fault = index === 0 ? undefined : issuerFault(facts, index - 1);
    if (fault !== undefined) return { ok: false, detail: `${facts.subject} ${fault}`, fix: "issue from a proper CA" };
    if (wallNow > facts.notAfter) {
      return { ok: false, detail: `${facts.subject} expired on ${dayOf(facts.notAfter)}`, fix: "renew it" };
    }
    if (wallNow < facts.notBefore) {
      return {
        ok: false,
        detail: `${facts.subject} is valid only from ${dayOf(facts.notBefore)}`,
        fix: "check the clock",
      };
    }
  }
  return { ok: true, path };
}

/** `below` counts the CA certificates between this one and the leaf. */
function issuerFault(facts: StoredCertificate["facts"], below: number): string | undefined {
  if (!facts.isCa || facts.keyUsage?.includes("keyCertSign") === false) return "is not a CA certificate";
  if (isWeakKey(facts.key)) return "has a key that is too weak";
  return facts.pathLength !== undefined && below > facts.pathLength ? "may not have so many CAs below it" : undefined;
}

const MAX_LENGTH = 8;
