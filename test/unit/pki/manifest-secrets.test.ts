// Objects into secrets: names, decoded values and their places; what is promised; how improper names are shown.
import { expect, test } from "bun:test";
import { gatherObjects } from "../../../src/pki/manifest-secrets.ts";
import { parseManifest } from "../../../src/pki/manifest-tree.ts";
import { secretName, shownKey, shownName } from "../../../src/pki/secret-record.ts";

function gather(text: string) {
  const { documents, faults } = parseManifest(text);
  expect(faults).toEqual([]);
  return gatherObjects(documents, { file: "f.yaml", source: "s", origin: "manifest" });
}

test("values are decoded, with the line of their key; stringData wins", () => {
  const { records, findings } = gather(
    "kind: Secret\nmetadata: {name: s, namespace: ns}\ntype: t\ndata:\n  a: aGk=\n  b: |\n    aG\n    k=\nstringData:\n  a: ho\n",
  );
  const [record] = records;
  expect(record && secretName(record)).toBe("ns/s");
  expect(record).toMatchObject({ type: "t", place: { file: "f.yaml", line: 2 }, origin: "manifest", source: "s" });
  const values = [...(record?.values ?? [])].map(
    ([key, { bytes, place }]) => `${key} ${Buffer.from(bytes)} ${place.line}`,
  );
  expect(values).toEqual(["a ho 10", "b hi 6"]);
  expect(findings.map(({ id, place }) => `${id} ${place.line}`)).toEqual(["shadowed-value 10"]);
});

test("a value that cannot be decoded is remembered as such, and is not missing as well", () => {
  const { records, findings } = gather("kind: Secret\nmetadata: {name: s}\ndata: {a: '?', b: null, c: 7}\n");
  expect([...(records[0]?.unusable ?? [])]).toEqual(["a", "b", "c"]);
  expect(findings.map(({ id }) => id)).toEqual(["bad-base64", "empty-value", "bad-secret"]);
});

test("names that do not look like names are only counted", () => {
  expect([shownName("relay-tls.v1"), shownKey("tls.crt")]).toEqual(["relay-tls.v1", "tls.crt"]);
  const pasted = "MIGHAgEAMBMGByq".repeat(4);
  expect([shownName(pasted), shownKey(pasted)]).toEqual(["(a name of 60 characters)", "(a key of 60 characters)"]);
});

test("objects of other kinds are no secrets, and a Certificate of another group promises none", () => {
  const { records, promised, references } = gather(
    "kind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n---\napiVersion: x.example/v1\nkind: Certificate\nspec: {secretName: s}\n---\n7\n",
  );
  expect([records.length, promised.length, references.length]).toEqual([0, 0, 0]);
});

test("a name that kubectl would not read as a text is a fault in its line, and so is what has none", () => {
  const { records, findings } = gather(
    "kind: Secret\nmetadata:\n  name: on\n---\nkind: Secret\nmetadata:\n  name: s\n  namespace: 0777\ntype: no\n---\nkind: Secret\n",
  );
  expect(findings.map(({ id, place, detail }) => `${id} ${place.line} ${detail}`)).toEqual([
    "bad-secret 3 metadata.name is not a text; quote it",
    "bad-secret 1 a Secret has no name",
    "bad-secret 8 metadata.namespace is not a text; quote it",
    "bad-secret 9 type is not a text; quote it",
    "bad-secret 11 a Secret has no name",
  ]);
  expect(records).toMatchObject([{ name: "s", namespace: undefined, type: undefined }]);
});

test("a reference is optional when kubectl reads it as such", () => {
  const pod = (word: string) =>
    gather(`kind: Pod\nspec: {volumes: [{name: v, secret: {secretName: s, optional: ${word}}}]}\n`).references.length;
  expect(["true", "yes", "On", "y"].map(pod)).toEqual([0, 0, 0, 0]);
  expect(["false", "no", "OFF", "n", "'yes'", "tRue"].map(pod)).toEqual([1, 1, 1, 1, 1, 1]);
});
