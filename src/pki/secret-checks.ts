// Everything that one secret is examined for, from its type down to the signatures of its chain.
import type { Role } from "../identity/grant.ts";
import type { FindingId } from "./finding-catalogue.ts";
import type { Finding, Place } from "./findings.ts";
import type { StoredCertificate } from "./key-material.ts";
import { isPlaceholder } from "./placeholders.ts";
import { PUBLIC_TEST_KEYS, publicKeyFingerprint, publishedBy } from "./public-test-keys.ts";
import { checkPair } from "./secret-pair.ts";
import {
  CA_KEY,
  CERTIFICATE_KEY,
  PRIVATE_KEY,
  type SecretRecord,
  type SecretValue,
  secretName,
  shownKey,
  TLS_TYPE,
} from "./secret-record.ts";
import { looksLikePem, readCertificateValue, readKeyValue, type ValueFault } from "./secret-values.ts";

/** What a secret is for. A connector and an agent are clients of the relay. */
export type SecretRole = "relay" | Role;

/** What must be in a secret beyond what every secret needs. */
export interface Expectation {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly role?: SecretRole | undefined;
  /** Names under which a relay is dialled: all of them. */
  readonly names: readonly string[];
  /** Services that a connector or an agent has to do with: all of them. */
  readonly services: readonly string[];
}

export interface CheckContext {
  /** Milliseconds since 1970. */
  readonly wallNow: number;
  readonly minDays: number;
  readonly allowOpenKeys: boolean;
  /** Beside the secret's own ca.crt. */
  readonly anchors: readonly StoredCertificate[];
  readonly publicKeys?: ReadonlyMap<string, string>;
}

export type Report = (id: FindingId, key: string | undefined, detail: string, line?: number) => void;

/** What is known of a good leaf, for the line that says so. */
export interface SecretFacts {
  readonly subject: string;
  readonly notAfter: number;
}

export interface Checked {
  readonly findings: readonly Finding[];
  readonly facts?: SecretFacts | undefined;
}

export function checkSecret(record: SecretRecord, expected: Expectation | undefined, context: CheckContext): Checked {
  const findings: Finding[] = [];
  const secret = secretName(record);
  const report: Report = (id, key, detail, line) => {
    const value = key === undefined ? undefined : record.values.get(key);
    findings.push({
      id,
      place: placeOf(record, value, line),
      secret,
      key: key === undefined ? undefined : shownKey(key),
      detail,
    });
  };
  const isPair =
    expected !== undefined ||
    record.type === TLS_TYPE ||
    record.values.has(CERTIFICATE_KEY) ||
    record.values.has(PRIVATE_KEY);
  if (isPair) checkShape(record, report);
  for (const [key, value] of record.values) checkValue(key, value, record, context, report);
  const facts = isPair ? checkPair(record, expected, context, report) : undefined;
  return { findings, facts };
}

/** The type, which cannot be changed later, and both halves of the pair. */
function checkShape(record: SecretRecord, report: Report): void {
  if (record.origin !== "directory" && record.type !== TLS_TYPE) {
    report(
      "wrong-type",
      undefined,
      `is ${record.type === "Opaque" || record.type === undefined ? "Opaque" : "of another type"}, not ${TLS_TYPE}`,
    );
  }
  for (const key of [CERTIFICATE_KEY, PRIVATE_KEY]) {
    if (!record.values.has(key) && !record.unusable.has(key)) report("missing-key", undefined, `has no ${key}`);
  }
}

/** What may be wrong with any value, whatever it is for. */
function checkValue(
  key: string,
  value: SecretValue,
  record: SecretRecord,
  context: CheckContext,
  report: Report,
): void {
  if (key === CERTIFICATE_KEY || key === CA_KEY) {
    tell(readCertificateValue(value.bytes).faults, key, report);
  } else if (key === PRIVATE_KEY) {
    tell(readKeyValue(value.bytes).faults, key, report);
  } else if (value.bytes.length <= MAX_PLACEHOLDER && isPlaceholder(Buffer.from(value.bytes).toString("latin1"))) {
    report("placeholder", key, "is a placeholder");
  }
  if (!looksLikePem(value.bytes)) return;
  const { key: found, faults } = readKeyValue(value.bytes);
  const hasKey = found !== undefined || faults.some(({ id }) => id === "several-keys" || id === "encrypted-key");
  if (hasKey) checkMode(key, value, context, report);
  if (found === undefined) return;
  const publisher = publishedBy(found, context.publicKeys ?? PUBLIC_TEST_KEYS);
  if (publisher !== undefined)
    report("public-test-key", key, `holds a private key that is published with ${publisher}`);
  const fingerprint = publicKeyFingerprint(found);
  const authorities = [...authoritiesIn(record), ...context.anchors].filter(({ facts }) => facts.isCa);
  if (CA_KEY_NAME.test(key) || authorities.some(({ facts }) => facts.spkiSha256 === fingerprint)) {
    report("ca-key-shipped", key, "holds the private key of a CA");
  }
}

function checkMode(key: string, { mode = 0 }: SecretValue, { allowOpenKeys }: CheckContext, report: Report): void {
  const bits = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & 0o007) !== 0 && !allowOpenKeys) report("open-key", key, `has the mode ${bits}`);
  else if ((mode & 0o070) !== 0 && !allowOpenKeys) report("group-readable-key", key, `has the mode ${bits}`);
}

function authoritiesIn(record: SecretRecord): readonly StoredCertificate[] {
  return [CA_KEY, CERTIFICATE_KEY].flatMap((key) => {
    const value = record.values.get(key);
    return value === undefined ? [] : readCertificateValue(value.bytes).certificates;
  });
}

function tell(faults: readonly ValueFault[], key: string, report: Report): void {
  for (const { id, detail, line } of faults) report(id, key, detail, line);
}

/** A value that is a file has lines of its own; one within a manifest is told by the line of its key. */
function placeOf(record: SecretRecord, value: SecretValue | undefined, line: number | undefined): Place {
  if (value === undefined) return record.place;
  return record.origin === "directory" ? { ...value.place, line: line ?? 1 } : value.place;
}

const MAX_PLACEHOLDER = 400;
const CA_KEY_NAME = /^(?:root-?)?ca(?:\.key|[-_.]key(?:\.pem)?|\.pem)$/i;
