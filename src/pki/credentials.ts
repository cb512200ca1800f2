// Loads what a daemon needs: trust anchors, its own certificate chain and its key. Everything is checked here, because
// the TLS library silently takes a garbage CA file and a key that belongs to another certificate. What is handed on is
// encoded again from what was checked.
import type { Leaf } from "../identity/certificate.ts";
import { checkLeaf, isWeakKey, type LeafFault, type Purpose } from "../identity/leaf-policy.ts";
import { isOwnIssuer } from "./chain.ts";
import { CredentialFault } from "./credential-fault.ts";
import { dayOf, daysUntil } from "./dates.ts";
import { encodeCertificates, matches, readCertificates, readKey, type StoredCertificate } from "./key-material.ts";

export interface TrustAnchors {
  /** PEM */
  readonly ca: Uint8Array;
  readonly certificates: readonly StoredCertificate[];
  /** When the last of them expires, in milliseconds since 1970. */
  readonly notAfter: number;
  readonly warnings: readonly string[];
}

export interface OwnCredentials {
  /** PEM, leaf first. */
  readonly certChain: Uint8Array;
  /** PEM, PKCS#8 */
  readonly key: Uint8Array;
  readonly leaf: Leaf;
  /** When the first certificate of the chain expires, in milliseconds since 1970. */
  readonly notAfter: number;
  readonly warnings: readonly string[];
}

/** One CA certificate or a bundle of them. Throws CredentialFault. `wallNow` is milliseconds since 1970. */
export function loadTrustAnchors(file: string, wallNow: number): TrustAnchors {
  const certificates = readCertificates(file);
  for (const { facts } of certificates) {
    const mayFound = facts.isCa && (facts.keyUsage?.includes("keyCertSign") ?? true);
    if (!mayFound) throw new CredentialFault("not-a-ca", file, `holds ${facts.subject}, which is not a CA certificate`);
    if (isWeakKey(facts.key))
      throw new CredentialFault("weak-key", file, `has a CA key that is too weak (${facts.subject})`);
  }
  if (!certificates.some(isOwnIssuer)) {
    const { subject, issuer } = (certificates[0] as StoredCertificate).facts;
    const sentence = `holds no root: ${subject} was issued by ${issuer}; put that authority's certificate into it too`;
    throw new CredentialFault("not-a-ca", file, sentence);
  }
  const current = certificates.filter(({ facts }) => wallNow >= facts.notBefore && wallNow <= facts.notAfter);
  if (current.length === 0) throw outOfDate(file, certificates[0]?.facts as Leaf, wallNow);
  const outdated = certificates.filter((certificate) => !current.includes(certificate));
  const notAfter = Math.max(...current.map(({ facts }) => facts.notAfter));
  return {
    ca: encodeCertificates(certificates),
    certificates,
    notAfter,
    warnings: [
      ...outdated.map(({ facts }) => outOfDate(file, facts, wallNow).message),
      ...expiryWarning(file, notAfter, wallNow),
    ],
  };
}

/** Throws CredentialFault. A group-readable key is a warning, a world-readable one an error unless `allowOpenKeys`. */
export function loadOwnCredentials(
  files: { readonly certificate: string; readonly key: string },
  purpose: Purpose,
  options: { readonly allowOpenKeys: boolean },
  wallNow: number,
): OwnCredentials {
  const chain = readCertificates(files.certificate);
  const [leaf] = chain as [StoredCertificate];
  const fault = checkLeaf(leaf.facts, purpose, wallNow);
  if (fault !== undefined) throw leafFault(fault, files.certificate, purpose, leaf.facts, wallNow);
  const stale = chain.find(({ facts }) => wallNow < facts.notBefore || wallNow > facts.notAfter);
  if (stale !== undefined) throw outOfDate(files.certificate, stale.facts, wallNow);
  const { key, warnings } = readKey(files.key, options);
  if (!matches(leaf, key)) throw strangers(files);
  const notAfter = Math.min(...chain.map(({ facts }) => facts.notAfter));
  return {
    certChain: encodeCertificates(chain),
    key: Buffer.from(key.export({ type: "pkcs8", format: "pem" })),
    leaf: leaf.facts,
    notAfter,
    warnings: [...warnings, ...expiryWarning(files.certificate, notAfter, wallNow)],
  };
}

/** A CA certificate with the key that signs for it: of a bundle, the certificate that the key belongs to. */
export interface Signer {
  readonly certificate: StoredCertificate;
  /** PEM */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly warnings: readonly string[];
}

/** What is needed to issue certificates. Throws CredentialFault. */
export function loadSigner(
  files: { readonly certificate: string; readonly key: string },
  options: { readonly allowOpenKeys: boolean },
  wallNow: number,
): Signer {
  const anchors = loadTrustAnchors(files.certificate, wallNow);
  const { key, warnings } = readKey(files.key, options);
  const certificate = anchors.certificates.find((candidate) => matches(candidate, key));
  if (certificate === undefined) throw strangers(files);
  const { notBefore, notAfter } = certificate.facts;
  if (wallNow < notBefore || wallNow > notAfter) throw outOfDate(files.certificate, certificate.facts, wallNow);
  return {
    certificate,
    certificatePem: new TextDecoder().decode(encodeCertificates([certificate])),
    keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(),
    warnings,
  };
}

function strangers(files: { readonly certificate: string; readonly key: string }): CredentialFault {
  const sentence = `is not the key of ${files.certificate}; give the two that were issued together`;
  return new CredentialFault("mismatch", files.key, sentence);
}

function leafFault(fault: LeafFault, file: string, purpose: Purpose, leaf: Leaf, wallNow: number): CredentialFault {
  switch (fault) {
    case "expired":
    case "not-yet-valid":
      return outOfDate(file, leaf, wallNow);
    case "ca-as-leaf":
      return new CredentialFault(
        fault,
        file,
        "begins with a CA certificate; give the leaf first, issued with ztna certs issue",
      );
    case "weak-key":
      return new CredentialFault(
        fault,
        file,
        `has a key that is too weak; issue it again with ECDSA P-256 or RSA 2048`,
      );
    case "wrong-purpose":
      return new CredentialFault(
        fault,
        file,
        `is no ${purpose} certificate (extended key usage ${purpose}Auth); issue one with ztna certs issue`,
      );
    case "no-name":
      return new CredentialFault(fault, file, "has no common name; issue it again with one");
  }
}

function outOfDate(file: string, { subject, notBefore, notAfter }: Leaf, wallNow: number): CredentialFault {
  if (wallNow > notAfter)
    return new CredentialFault("expired", file, `expired on ${dayOf(notAfter)} (${subject}); renew it`);
  return new CredentialFault(
    "not-yet-valid",
    file,
    `is valid only from ${dayOf(notBefore)} (${subject}); check the clock`,
  );
}

function expiryWarning(file: string, notAfter: number, wallNow: number): readonly string[] {
  const days = daysUntil(notAfter, wallNow);
  return days < WARN_DAYS ? [`${file} expires in ${days} days, on ${dayOf(notAfter)}; renew it`] : [];
}

const WARN_DAYS = 30;
