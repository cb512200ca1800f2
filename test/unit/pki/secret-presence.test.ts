// What is expected, doubled, or referred to in vain.
import { expect, test } from "bun:test";
import { duplicatesIn, missingIn, unresolved } from "../../../src/pki/secret-presence.ts";
import type { SecretRecord } from "../../../src/pki/secret-record.ts";

const record = (name: string, namespace?: string, source = "s", ...keys: string[]): SecretRecord => ({
  ...{ name, namespace, source, origin: "manifest", place: { file: "f", line: 3 } },
  values: new Map(keys.map((key) => [key, { bytes: new Uint8Array(), place: { file: "f" } }])),
  unusable: new Set(["broken"]),
});
const expected = (name: string, namespace?: string) => ({ name, namespace, names: [], services: [] });
const place = { file: "f" };

test("a secret without a namespace is in every one; one in another is told with its place", () => {
  const records = [record("a"), record("b", "x")];
  const found = missingIn({ records, promised: [] }, [expected("a", "n"), expected("b", "n"), expected("c")], place);
  expect(found.map(({ id, place: { line } }) => `${id} ${line}`)).toEqual([
    "wrong-namespace 3",
    "missing-secret undefined",
  ]);
  const promised = [{ name: "c", by: "SealedSecret" }];
  expect(missingIn({ records, promised }, [expected("a"), expected("c", "n")], place)).toEqual([]);
});

test("the same name is double within one source and one namespace only", () => {
  expect(duplicatesIn([record("a", "n"), record("a", "m"), record("a", "n", "other")])).toEqual([]);
  const [found] = duplicatesIn([record("a", "n"), record("a", "n")]);
  expect(found).toMatchObject({ id: "duplicate-secret", secret: "n/a", detail: "is given before, in f line 3" });
});

test("a reference needs its secret and its keys; a key about which there is a finding already is there", () => {
  const reference = { name: "a", namespace: "n", place, by: "Pod p" };
  const records = [record("a", "n", "s", "k")];
  const ids = (keys: readonly string[], name = "a") =>
    unresolved([{ ...reference, name, keys }], { records, promised: [] }).map(({ id, key }) => `${id} ${key ?? ""}`);
  expect(ids(["k", "broken"])).toEqual([]);
  expect(ids(["k", "l"])).toEqual(["missing-key l"]);
  expect(ids([], "b")).toEqual(["unresolved-reference "]);
});
