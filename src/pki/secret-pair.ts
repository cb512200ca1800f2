// A certificate and its private key, as the role that will present them needs them.
import { checkLeaf, identityOf, isWeakKey, PURPOSE_OIDS, type Purpose } from "../identity/leaf-policy.ts";
import { may } from "../identity/policy.ts";
import { matchesServer } from "../identity/server-name.ts";
import { type ChainFault, findChain, unknownExtension } from "./chain.ts";
import { dayOf, daysUntil } from "./dates.ts";
import type { FindingId } from "./finding-catalogue.ts";
import { matches, type StoredCertificate } from "./key-material.ts";
import type { CheckContext, Expectation, Report, SecretFacts, SecretRole } from "./secret-checks.ts";
import { CA_KEY, CERTIFICATE_KEY, PRIVATE_KEY, type SecretRecord } from "./secret-record.ts";
import { isWeaklySigned, readCertificateValue, readKeyValue } from "./secret-values.ts";

/** Faults of the single values are told elsewhere; here is what only the whole shows. */
export function checkPair(
  record: SecretRecord,
  expected: Expectation | undefined,
  context: CheckContext,
  report: Report,
): SecretFacts | undefined {
  const certificates = certificatesOf(record, CERTIFICATE_KEY);
  const [leaf, ...others] = certificates;
  const anchors = [...checkAnchors(record, context, report), ...context.anchors];
  if (leaf === undefined) return undefined;
  const isFirst = checkKey(record, certificates, report);
  if (!isFirst) return undefined;
  const role = expected?.role ?? roleOf(record.name);
  const purpose = role === undefined ? usageOf(leaf) : role === "relay" ? "server" : "client";
  checkLeafFor(leaf, { role, purpose }, expected, report);
  if (others.some(({ facts }) => !facts.isCa)) {
    report("several-leaves", CERTIFICATE_KEY, "holds a certificate after the leaf that is no CA");
  }
  checkChain({ leaf, others, anchors, purpose }, record, context, report);
  return { subject: leaf.facts.subject, notAfter: leaf.facts.notAfter };
}

/** Whether the first certificate is the one that the key belongs to; without a usable key it is taken to be. */
function checkKey(record: SecretRecord, certificates: readonly StoredCertificate[], report: Report): boolean {
  const value = record.values.get(PRIVATE_KEY);
  const key = value === undefined ? undefined : readKeyValue(value.bytes).key;
  if (key === undefined) return true;
  const index = certificates.findIndex((certificate) => matches(certificate, key));
  if (index === 0) return true;
  if (index < 0) {
    report("key-mismatch", PRIVATE_KEY, "is not the key of the certificate in tls.crt");
    return true;
  }
  report("chain-order", CERTIFICATE_KEY, `the key belongs to certificate ${index + 1}, which is not the first`);
  return false;
}

function checkAnchors(record: SecretRecord, { wallNow }: CheckContext, report: Report): readonly StoredCertificate[] {
  const given = certificatesOf(record, CA_KEY);
  for (const { facts } of given) {
    const mayFound = facts.isCa && facts.keyUsage?.includes("keyCertSign") !== false;
    if (!mayFound) report("not-a-ca", CA_KEY, `${shown(facts.subject)} is not a CA certificate`);
    else if (isWeakKey(facts.key)) report("weak-key", CA_KEY, `${shown(facts.subject)} has a weak key`);
  }
  if (given.length > 0 && given.every(({ facts }) => wallNow > facts.notAfter)) {
    const { facts } = given[0] as StoredCertificate;
    report("expired", CA_KEY, `${shown(facts.subject)} expired on ${dayOf(facts.notAfter)}`);
  }
  return given;
}

function checkLeafFor(
  leaf: StoredCertificate,
  { role, purpose }: { readonly role: SecretRole | undefined; readonly purpose: Purpose | undefined },
  expected: Expectation | undefined,
  report: Report,
): void {
  const { facts } = leaf;
  // Dates are judged below, with a margin: here the certificate is asked about the middle of its life.
  const fault = checkLeaf(facts, purpose ?? "server", (facts.notBefore + facts.notAfter) / 2);
  if (fault === "ca-as-leaf")
    return report("ca-as-leaf", CERTIFICATE_KEY, `${shown(facts.subject)} is a CA certificate`);
  if (fault === "weak-key") return report("weak-key", CERTIFICATE_KEY, `${shown(facts.subject)} has a weak key`);
  if (purpose === undefined) return report("no-rights", CERTIFICATE_KEY, "is for neither servers nor clients");
  if (fault === "wrong-purpose") {
    report(
      "wrong-eku",
      CERTIFICATE_KEY,
      `is no ${purpose} certificate, which ${role === undefined ? "its usage" : `a ${role}`} needs`,
    );
  }
  if (fault === "no-name") report("no-common-name", CERTIFICATE_KEY, "has no common name");
  if (purpose === "server") checkServerNames(leaf, expected?.names ?? [], report);
  else checkGrants(leaf, role === "relay" ? undefined : role, expected?.services ?? [], report);
}

function checkServerNames({ facts }: StoredCertificate, names: readonly string[], report: Report): void {
  if (facts.dnsNames.length + facts.ipAddresses.length === 0) {
    report("missing-name", CERTIFICATE_KEY, "carries no name under which a server could be dialled");
  }
  for (const name of names) {
    if (!matchesServer(facts, [name])) report("missing-name", CERTIFICATE_KEY, `is not valid for ${shown(name)}`);
  }
}

function checkGrants(
  { facts }: StoredCertificate,
  role: "agent" | "connector" | undefined,
  services: readonly string[],
  report: Report,
): void {
  const identity = identityOf(facts);
  if (role === undefined) {
    if (identity.grants.length === 0) report("no-rights", CERTIFICATE_KEY, "carries no ZTNA name");
    return;
  }
  if (!identity.grants.some((grant) => grant.role === role)) {
    report("missing-name", CERTIFICATE_KEY, `carries no name of the form ${role}.SERVICE.ztna`);
    return;
  }
  for (const service of services) {
    const decision = may(identity, role, service, { allowLegacyCerts: false });
    if (!decision.allowed) report("missing-name", CERTIFICATE_KEY, `does not carry ${role}.${shown(service)}.ztna`);
  }
}

interface Given {
  readonly leaf: StoredCertificate;
  readonly others: readonly StoredCertificate[];
  readonly anchors: readonly StoredCertificate[];
  readonly purpose: Purpose | undefined;
}

function checkChain(
  { leaf, others, anchors, purpose }: Given,
  record: SecretRecord,
  { wallNow, minDays }: CheckContext,
  report: Report,
): void {
  const clock = withMargin([leaf, ...others, ...anchors], wallNow);
  if (clock > wallNow) report("clock-margin", CERTIFICATE_KEY, `begins in ${Math.ceil((clock - wallNow) / 1000)} s`);
  const isCurrent = checkDates(leaf, clock, report);
  if (anchors.length === 0) {
    if (!record.unusable.has(CA_KEY) && !record.values.has(CA_KEY)) report("no-ca", undefined, "has no CA certificate");
    const unknown = unknownExtension(leaf);
    if (unknown !== undefined) report(CHAIN_FINDINGS[unknown.fault], CERTIFICATE_KEY, unknown.words);
    checkSignatures([leaf, ...others], report);
    if (isCurrent) checkExpiry([leaf, ...others], wallNow, minDays, report);
    return;
  }
  const chain = findChain(leaf, others, anchors, clock, purpose);
  if (chain.ok) {
    checkSignatures(chain.path.slice(0, -1), report);
    checkExpiry(chain.path, wallNow, minDays, report);
  } else if (isCurrent || (chain.fault !== "expired" && chain.fault !== "not-yet-valid")) {
    report(CHAIN_FINDINGS[chain.fault], CERTIFICATE_KEY, shown(chain.detail));
  }
}

/** The signature of an anchor itself is never looked at. */
function checkSignatures(certificates: readonly StoredCertificate[], report: Report): void {
  for (const certificate of certificates) {
    if (!isWeaklySigned(certificate)) continue;
    report("weak-signature", CERTIFICATE_KEY, `${shown(certificate.facts.subject)} is signed with MD5 or SHA-1`);
  }
}

function checkExpiry(path: readonly StoredCertificate[], wallNow: number, minDays: number, report: Report): void {
  const { facts } = path.reduce((first, other) => (other.facts.notAfter < first.facts.notAfter ? other : first));
  const days = daysUntil(facts.notAfter, wallNow);
  if (days >= minDays) return;
  const left = `${days} ${days === 1 ? "day" : "days"}`;
  report("expires-soon", CERTIFICATE_KEY, `${shown(facts.subject)} expires in ${left}, on ${dayOf(facts.notAfter)}`);
}

/** Whether the leaf is valid now. */
function checkDates({ facts }: StoredCertificate, clock: number, report: Report): boolean {
  if (clock > facts.notAfter) report("expired", CERTIFICATE_KEY, `expired on ${dayOf(facts.notAfter)}`);
  else if (clock < facts.notBefore) {
    report("not-yet-valid", CERTIFICATE_KEY, `is valid only from ${dayOf(facts.notBefore)}`);
  } else return true;
  return false;
}

/** The time from which all of them are valid, when that is so close that clocks may disagree about it. */
function withMargin(certificates: readonly StoredCertificate[], wallNow: number): number {
  const soon = certificates.map(({ facts }) => facts.notBefore).filter((from) => from <= wallNow + CLOCK_MARGIN_MS);
  return Math.max(wallNow, ...soon);
}

function certificatesOf(record: SecretRecord, key: string): readonly StoredCertificate[] {
  const value = record.values.get(key);
  return value === undefined ? [] : readCertificateValue(value.bytes).certificates;
}

/** By the names that this project gives its secrets. */
function roleOf(name: string): SecretRole | undefined {
  const role = /^ztna-(intermediate|relay|server|connector|agent|client)(?:-|$)/.exec(name)?.[1];
  if (role === "connector") return "connector";
  if (role === "agent" || role === "client") return "agent";
  return role === undefined ? undefined : "relay";
}

function usageOf({ facts }: StoredCertificate): Purpose | undefined {
  return (["server", "client"] as const).find((purpose) => facts.extendedKeyUsages?.includes(PURPOSE_OIDS[purpose]));
}

/** Names out of certificates are as long as their makers liked. */
function shown(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

const CLOCK_MARGIN_MS = 5 * 60_000;
const MAX_SHOWN = 300;
const CHAIN_FINDINGS: Readonly<Record<ChainFault, FindingId>> = {
  "no-issuer": "chain-incomplete",
  "wrong-key": "chain-invalid",
  "too-long": "chain-invalid",
  "not-a-ca": "chain-invalid",
  "path-length": "chain-invalid",
  "wrong-purpose": "chain-invalid",
  "forbidden-name": "chain-invalid",
  "unknown-extension": "chain-invalid",
  "weak-key": "weak-key",
  expired: "expired",
  "not-yet-valid": "not-yet-valid",
};
