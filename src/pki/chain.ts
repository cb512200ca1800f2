// Follows a certificate to a trust anchor, and says which link is missing or wrong.
import { X509Certificate } from "node:crypto";
import { isWeakKey, PURPOSE_OIDS, type Purpose } from "../identity/leaf-policy.ts";
import { dayOf } from "./dates.ts";
import { extensionsOf, namesOf } from "./extensions.ts";
import type { StoredCertificate } from "./key-material.ts";
import { forbiddenName } from "./name-constraints.ts";

/** Stable codes. `no-issuer`: nothing given issued it; `wrong-key`: a CA of the right name did not sign it. */
export type ChainFault =
  | "no-issuer"
  | "wrong-key"
  | "too-long"
  | "not-a-ca"
  | "path-length"
  | "wrong-purpose"
  | "forbidden-name"
  | "unknown-extension"
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
 * `others` are the certificates that came with the leaf; only the anchors are trusted, and the chain ends at one that is
 * its own issuer. Of several issuers among the
 * others the first that is valid is taken, without a way back: TLS libraries do so, and what they refuse must not pass
 * here. Of several anchors every one is tried, for a CA may be there twice, renewed under its old key. Without a purpose,
 * none is asked of the authorities.
 */
export function findChain(
  leaf: StoredCertificate,
  others: readonly StoredCertificate[],
  anchors: readonly StoredCertificate[],
  wallNow: number,
  purpose?: Purpose | undefined,
): Chain {
  const roots = anchors.filter(isOwnIssuer);
  const between = [...others, ...anchors.filter((anchor) => !isOwnIssuer(anchor))];
  const path = [leaf];
  for (let last = leaf; path.length <= MAX_LENGTH; ) {
    const founded = roots
      .filter((anchor) => isIssuer(anchor, last))
      .map((anchor) => checkLinks([...path, anchor], wallNow, purpose));
    const [first] = founded;
    if (first !== undefined) return founded.find(({ ok }) => ok) ?? first;
    const issuers = between.filter((other) => !path.includes(other) && isIssuer(other, last));
    const next = issuers.find(({ facts }) => wallNow >= facts.notBefore && wallNow <= facts.notAfter) ?? issuers.at(-1);
    if (next === undefined) return missingIssuer(last, anchors);
    path.push(next);
    last = next;
  }
  return endless(leaf);
}

/** Only there may a chain end: TLS libraries go on from everything else, also when it is trusted. */
export function isOwnIssuer({ facts }: StoredCertificate): boolean {
  return facts.subject === facts.issuer;
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

function checkLinks(path: readonly StoredCertificate[], wallNow: number, purpose: Purpose | undefined): Chain {
  for (const [index, at] of path.entries()) {
    const { facts } = at;
    const wrong = (index < path.length - 1 ? unknownExtension(at) : undefined) ?? issuerFault(path, index, purpose);
    if (wrong !== undefined) {
      const detail = `${facts.subject} ${wrong.words}`;
      return { ok: false, fault: wrong.fault, at, detail, fix: "issue from a proper CA" };
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

interface LinkFault {
  readonly fault: ChainFault;
  readonly words: string;
}

/** Whoever does not know a critical extension must refuse the certificate (RFC 5280, 4.2). */
export function unknownExtension({ der }: StoredCertificate): LinkFault | undefined {
  for (const [id, { critical }] of extensionsOf(der)) {
    if (!critical || KNOWN_EXTENSIONS.has(id)) continue;
    return { fault: "unknown-extension", words: `has the critical extension ${id}, which TLS libraries do not know` };
  }
  return undefined;
}

function issuerFault(
  path: readonly StoredCertificate[],
  index: number,
  purpose: Purpose | undefined,
): LinkFault | undefined {
  const { facts } = path[index] as StoredCertificate;
  if (index === 0) return undefined;
  if (!facts.isCa || facts.keyUsage?.includes("keyCertSign") === false) {
    return { fault: "not-a-ca", words: "is not a CA certificate" };
  }
  if (isWeakKey(facts.key)) return { fault: "weak-key", words: "has a key that is too weak" };
  // The leaf is none of the CAs below it.
  if (facts.pathLength !== undefined && index - 1 > facts.pathLength) {
    return { fault: "path-length", words: "may not have so many CAs below it" };
  }
  // An authority that is trusted is asked for no usage.
  const isRoot = index === path.length - 1;
  if (!isRoot && purpose !== undefined && facts.extendedKeyUsages?.includes(PURPOSE_OIDS[purpose]) === false) {
    return { fault: "wrong-purpose", words: `may not issue ${purpose} certificates` };
  }
  return constraintFault(path, index);
}

function constraintFault(path: readonly StoredCertificate[], index: number): LinkFault | undefined {
  const constraints = extensionsOf((path[index] as StoredCertificate).der).get(NAME_CONSTRAINTS);
  if (constraints === undefined) return undefined;
  for (const [position, { der, facts }] of path.slice(0, index).entries()) {
    // A CA that passes from one key to the next carries its own name.
    if (position > 0 && isOwnIssuer({ der, facts })) continue;
    const name = forbiddenName(constraints.value, namesOf(der));
    if (name !== undefined) return { fault: "forbidden-name", words: `may not issue for ${name}` };
  }
  return undefined;
}

const OPENED = new WeakMap<StoredCertificate, X509Certificate>();
const MAX_LENGTH = 8;
const NAME_CONSTRAINTS = "2.5.29.30";
/** Key usage, names, basic constraints, name constraints, policies (4 kinds), extended key usage. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set(
  [15, 17, 19, 30, 32, 33, 36, 54, 37].map((arc) => `2.5.29.${arc}`),
);
