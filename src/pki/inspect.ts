// What a certificate says, as data for --json and in words for people.
import { createHash } from "node:crypto";
import type { Leaf, PublicKeyFacts } from "../identity/certificate.ts";
import { EVERY_SERVICE, formatGrant, type Grant } from "../identity/grant.ts";
import { identityOf, PURPOSE_OIDS } from "../identity/leaf-policy.ts";
import { daysUntil, secondOf } from "./dates.ts";
import type { StoredCertificate } from "./key-material.ts";

export interface CertificateView {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly kind: "ca" | "server" | "client" | "server and client" | "other";
  readonly grants: readonly (Grant & { readonly name: string })[];
  readonly dns_names: readonly string[];
  readonly addresses: readonly string[];
  readonly key: string;
  readonly not_before: string;
  readonly not_after: string;
  /** Negative when it has expired. */
  readonly days_left: number;
  readonly sha256: string;
  readonly public_key_sha256: string;
}

export function viewCertificate({ der, facts }: StoredCertificate, wallNow: number): CertificateView {
  return {
    subject: facts.subject,
    issuer: facts.issuer,
    serial: facts.serial,
    kind: kindOf(facts),
    grants: grantsOf(facts).map((grant) => ({ ...grant, name: formatGrant(grant) })),
    dns_names: facts.dnsNames,
    addresses: facts.ipAddresses,
    key: keyText(facts.key),
    not_before: secondOf(facts.notBefore),
    not_after: secondOf(facts.notAfter),
    days_left: daysUntil(facts.notAfter, wallNow),
    sha256: createHash("sha256").update(der).digest("hex"),
    public_key_sha256: facts.spkiSha256,
  };
}

export function describeCertificate(certificate: StoredCertificate, wallNow: number): string {
  const view = viewCertificate(certificate, wallNow);
  const { facts } = certificate;
  const isOwnIssuer = view.subject === view.issuer;
  const rows: readonly (readonly [string, string])[] = [
    ["subject", view.subject],
    ["issuer", isOwnIssuer ? "itself" : view.issuer],
    ["kind", `${view.kind === "ca" ? "CA" : view.kind} certificate`],
    ...rights(facts, view.kind).map((text) => ["rights", text] as const),
    ...(view.dns_names.length === 0 ? [] : [["names", view.dns_names.map(quotedIfOdd).join(", ")] as const]),
    ...(view.addresses.length === 0 ? [] : [["addresses", view.addresses.join(", ")] as const]),
    ["valid", `${view.not_before} to ${view.not_after}, ${remaining(facts, view.days_left, wallNow)}`],
    ["key", view.key],
    ["serial", view.serial],
    ["sha256", view.sha256],
    ["public key", `${view.public_key_sha256} (sha256)`],
  ];
  return rows.map(([label, text]) => `${label.padEnd(12)}${text}\n`).join("");
}

/** "may use web", "may provide every service". */
export function describeGrant({ role, service }: Grant): string {
  const verb = role === "agent" ? "may use" : "may provide";
  return `${verb} ${service === EVERY_SERVICE ? "every service" : quotedIfOdd(service)}`;
}

function grantsOf(facts: Leaf): readonly Grant[] {
  return facts.isCa ? [] : identityOf(facts).grants;
}

function kindOf(facts: Leaf): CertificateView["kind"] {
  if (facts.isCa) return "ca";
  const server = facts.extendedKeyUsages?.includes(PURPOSE_OIDS.server) ?? false;
  const client = facts.extendedKeyUsages?.includes(PURPOSE_OIDS.client) ?? false;
  if (server) return client ? "server and client" : "server";
  return client ? "client" : "other";
}

function rights(facts: Leaf, kind: CertificateView["kind"]): readonly string[] {
  if (!kind.includes("client")) return [];
  const grants = grantsOf(facts);
  return grants.length === 0 ? ["none: it carries no ZTNA name"] : grants.map(describeGrant);
}

function remaining(facts: Leaf, days: number, wallNow: number): string {
  if (wallNow < facts.notBefore) return "not yet valid";
  if (wallNow > facts.notAfter) return "expired";
  return `${days} days left`;
}

function keyText({ kind, bits }: PublicKeyFacts): string {
  switch (kind) {
    case "ec":
      return `ECDSA P-${bits}`;
    case "rsa":
      return `RSA ${bits}`;
    case "ed25519":
      return "Ed25519";
    case "other":
      return "of an unknown kind";
  }
}

/** A name may hold commas and spaces, and must not look like several names. */
function quotedIfOdd(name: string): string {
  return /^[A-Za-z0-9.*_-]+$/.test(name) ? name : JSON.stringify(name);
}
