// Loads which certificates have been revoked: the lists of a file, each signed by one of the given authorities.
import { verify, X509Certificate } from "node:crypto";
import { type CertificateId, parseRevocationList, type RevocationList } from "../identity/revocation-list.ts";
import { CredentialFault } from "./credential-fault.ts";
import { secondOf } from "./dates.ts";
import type { StoredCertificate } from "./key-material.ts";
import { parsePem } from "./pem.ts";
import { readStored } from "./store.ts";

/** Several lists of one issuer add up. */
export class Revocations {
  readonly lists: readonly RevocationList[];
  /** When the first of the lists is out of date, in milliseconds since 1970. */
  readonly nextUpdate: number | undefined;
  readonly warnings: readonly string[];
  readonly #revoked: ReadonlySet<string>;

  constructor(lists: readonly RevocationList[], warnings: readonly string[]) {
    this.lists = lists;
    this.warnings = warnings;
    const ends = lists.map(({ nextUpdate }) => nextUpdate).filter((end) => end !== undefined);
    this.nextUpdate = ends.length === 0 ? undefined : ends.reduce((first, end) => Math.min(first, end));
    this.#revoked = new Set(
      lists.flatMap(({ issuer, revocations }) => revocations.map(({ serial }) => keyOf({ issuer, serial }))),
    );
  }

  isRevoked(certificate: CertificateId): boolean {
    return this.#revoked.has(keyOf(certificate));
  }

  get size(): number {
    return this.#revoked.size;
  }
}

/**
 * PEM with one list or several, or one in DER. Throws CredentialFault. A list that is out of date still counts, with a
 * warning: whoever keeps new ones away must not make revoked certificates good again.
 */
export function loadRevocations(file: string, authorities: readonly StoredCertificate[], wallNow: number): Revocations {
  const lists = listsIn(readStored(file, MAX_FILE).text, file);
  for (const list of lists) checkSigner(list, authorities, file);
  return new Revocations(
    lists,
    lists.flatMap((list) => dateWarning(list, file, wallNow)),
  );
}

function listsIn(text: string, file: string): readonly RevocationList[] {
  const blocks = text.startsWith(DER_START)
    ? [{ label: LABEL, der: new Uint8Array(Buffer.from(text, "latin1")) }]
    : parsePem(text);
  if (blocks === undefined) throw new CredentialFault("not-pem", file, "holds a PEM block that is cut off or garbled");
  if (blocks.length === 0) {
    throw new CredentialFault("not-pem", file, "holds no PEM block; name a revocation list (ztna certs revoke)");
  }
  const other = blocks.find(({ label }) => label !== LABEL);
  if (other !== undefined) {
    const sentence = `holds a ${other.label.toLowerCase()}; name a file of revocation lists alone`;
    throw new CredentialFault("bad-crl", file, sentence);
  }
  return blocks.map(({ der }, index) => {
    const list = parseRevocationList(der);
    if (list !== undefined) return list;
    const sentence = `holds something that is not a complete revocation list (block ${index + 1}); make it again`;
    throw new CredentialFault("bad-crl", file, sentence);
  });
}

function checkSigner(list: RevocationList, authorities: readonly StoredCertificate[], file: string): void {
  const namesakes = authorities.filter(({ facts }) => facts.subject === list.issuer);
  if (namesakes.length === 0) {
    const sentence = `holds a revocation list of ${list.issuer}, which is not in the CA file; give the list of our CA`;
    throw new CredentialFault("foreign-crl", file, sentence);
  }
  const maySign = namesakes.filter(({ facts }) => facts.keyUsage?.includes("cRLSign") ?? true);
  if (maySign.some((authority) => isSignedBy(list, authority))) return;
  const sentence =
    maySign.length === 0
      ? `holds a revocation list of ${list.issuer}, whose key usage forbids signing such lists; make the CA with cRLSign`
      : `holds a revocation list that the key of ${list.issuer} did not sign; make it again with that CA`;
  throw new CredentialFault("foreign-crl", file, sentence);
}

function isSignedBy({ algorithm, signed, signature }: RevocationList, authority: StoredCertificate): boolean {
  const known = ALGORITHMS.get(algorithm);
  const key = new X509Certificate(authority.der).publicKey;
  if (known === undefined || key.asymmetricKeyType !== known.key) return false;
  try {
    return verify(known.hash, signed, key, signature);
  } catch {
    return false;
  }
}

function dateWarning({ thisUpdate, nextUpdate }: RevocationList, file: string, wallNow: number): readonly string[] {
  if (nextUpdate !== undefined && wallNow > nextUpdate) {
    return [`${file} should have been replaced by ${secondOf(nextUpdate)}; it still counts, make a new one`];
  }
  return thisUpdate > wallNow ? [`${file} is dated ${secondOf(thisUpdate)}; check the clock`] : [];
}

/** Issuers are shown without line breaks, so that this one is nobody's part. */
function keyOf({ issuer, serial }: CertificateId): string {
  return `${serial}\n${issuer}`;
}

const LABEL = "X509 CRL";
const DER_START = "\x30";
/** Some 300,000 revoked certificates. */
const MAX_FILE = 16 * 1024 * 1024;
const ALGORITHMS: ReadonlyMap<string, { readonly key: string; readonly hash: string | null }> = new Map([
  ["1.2.840.10045.4.3.2", { key: "ec", hash: "sha256" }],
  ["1.2.840.10045.4.3.3", { key: "ec", hash: "sha384" }],
  ["1.2.840.10045.4.3.4", { key: "ec", hash: "sha512" }],
  ["1.2.840.113549.1.1.11", { key: "rsa", hash: "sha256" }],
  ["1.2.840.113549.1.1.12", { key: "rsa", hash: "sha384" }],
  ["1.2.840.113549.1.1.13", { key: "rsa", hash: "sha512" }],
  ["1.3.101.112", { key: "ed25519", hash: null }],
]);
