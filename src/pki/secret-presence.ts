// Whether every secret is there that is expected or referred to, and only once.
import type { Finding, Place } from "./findings.ts";
import type { Expectation } from "./secret-checks.ts";
import {
  type Gathered,
  type SecretRecord,
  type SecretReference,
  sameNamespace,
  secretName,
  shownKey,
} from "./secret-record.ts";

/** The place is where the operator would look for the missing secret: the source itself. */
export function missingIn(
  { records, promised }: Pick<Gathered, "records" | "promised">,
  expectations: readonly Expectation[],
  place: Place,
): readonly Finding[] {
  return expectations.flatMap((expected): readonly Finding[] => {
    const secret = secretName(expected);
    const named = [...records, ...promised].filter(({ name }) => name === expected.name);
    if (named.some(({ namespace }) => sameNamespace(namespace, expected.namespace))) return [];
    const [elsewhere] = named;
    if (elsewhere === undefined) return [{ id: "missing-secret", place, secret, detail: "is not there" }];
    const found = "place" in elsewhere ? elsewhere.place : place;
    return [{ id: "wrong-namespace", place: found, secret, detail: `exists only as ${secretName(elsewhere)}` }];
  });
}

/** The last one would win when they are applied. */
export function duplicatesIn(records: readonly SecretRecord[]): readonly Finding[] {
  const seen = new Map<string, SecretRecord>();
  return records.flatMap((record): readonly Finding[] => {
    const id = JSON.stringify([record.source, record.namespace ?? "", record.name]);
    const first = seen.get(id);
    seen.set(id, first ?? record);
    if (first === undefined) return [];
    const { file, line } = first.place;
    const detail = `is given before, in ${file}${line === undefined ? "" : ` line ${line}`}`;
    return [{ id: "duplicate-secret", place: record.place, secret: secretName(record), detail }];
  });
}

export function unresolved(
  references: readonly SecretReference[],
  { records, promised }: Pick<Gathered, "records" | "promised">,
): readonly Finding[] {
  return references.flatMap((reference): readonly Finding[] => {
    const { name, namespace, keys, place, by } = reference;
    const secret = secretName(reference);
    const isTarget = (other: { readonly name: string; readonly namespace?: string | undefined }) =>
      other.name === name && sameNamespace(other.namespace, namespace);
    if (promised.some(isTarget)) return [];
    const targets = records.filter(isTarget);
    if (targets.length === 0) return [{ id: "unresolved-reference", place, secret, detail: `${by} refers to it` }];
    const lacking = keys.filter((key) => !targets.some(({ values, unusable }) => values.has(key) || unusable.has(key)));
    return lacking.map((key) => ({
      id: "missing-key",
      place,
      secret,
      key: shownKey(key),
      detail: `is not in the secret, but ${by} refers to it`,
    }));
  });
}
