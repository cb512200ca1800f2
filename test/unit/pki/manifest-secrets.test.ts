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
    "kind: Secret\nmetadata: {name: s, namespace: n}\ntype: t\ndata:\n  a: aGk=\n  b: |\n    aG\n    k=\nstringData:\n  a: ho\n",
  );
  const [record] = records;
  expect(record && secretName(record)).toBe("n/s");
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
