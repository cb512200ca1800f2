// One thing found in a secret or a source, and the order in which findings are told.
import { FINDINGS, type FindingId, type FindingKind } from "./finding-catalogue.ts";

export interface Place {
  /** As the operator gave it; "<stdin>", or "<cluster>" with no line. */
  readonly file: string;
  /** From 1. */
  readonly line?: number | undefined;
}

export interface Finding {
  readonly id: FindingId;
  readonly place: Place;
  /** "namespace/name" or "name"; absent when it is about a whole source. */
  readonly secret?: string | undefined;
  /** The key within the secret. */
  readonly key?: string | undefined;
  /** What is wrong in this case. Never any content of a value. */
  readonly detail: string;
}

export function kindOf({ id }: Finding): FindingKind {
  return FINDINGS[id];
}

/** By place, then secret, key and id: the same input gives the same report. Doubles are told once. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const distinct = new Map(findings.map((finding) => [JSON.stringify(sortKey(finding)), finding]));
  return [...distinct.values()].sort((a, b) => compare(sortKey(a), sortKey(b)));
}

function sortKey({ id, place, secret, key, detail }: Finding): readonly (string | number)[] {
  return [place.file, place.line ?? 0, secret ?? "", key ?? "", id, detail];
}

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? "";
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
