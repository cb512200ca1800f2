// A pair as a manifest, and back: what is written is what is read.
import { expect, test } from "bun:test";
import { gatherObjects } from "../../../src/pki/manifest-secrets.ts";
import { parseManifest } from "../../../src/pki/manifest-tree.ts";
import { encodeSecretManifest, pairRecord } from "../../../src/pki/secret-manifest.ts";

const PAIR = { certificate: "c", key: "k", authority: "a" };

test("a manifest is read back as the record that it was made of", () => {
  const record = pairRecord("relay", "edge", { certificate: "c\n", key: "k\n", authority: "a\n" });
  const { documents } = parseManifest(encodeSecretManifest(record));
  const [read] = gatherObjects(documents, { file: "f", source: "f", origin: "manifest" }).records;
  expect(read).toMatchObject({ name: "relay", namespace: "edge", type: "kubernetes.io/tls" });
  const texts = [...(read?.values ?? [])].map(([key, { bytes }]) => `${key} ${Buffer.from(bytes)}`);
  expect(texts).toEqual(["tls.crt c\n", "tls.key k\n", "ca.crt a\n"]);
});

test("names that YAML takes for something else come back as names", () => {
  for (const name of ["y", "no", "on", "0777", "1e3", "null", "true"]) {
    const record = pairRecord(name, name, PAIR);
    const { documents } = parseManifest(encodeSecretManifest(record));
    const { records, findings } = gatherObjects(documents, { file: "f", source: "f", origin: "manifest" });
    expect([records[0]?.name, records[0]?.namespace, findings]).toEqual([name, name, []]);
  }
});

test("several in one file are several", () => {
  const text = ["relay", "office"].map((name) => encodeSecretManifest(pairRecord(name, "ztna", PAIR))).join("");
  const { documents, faults } = parseManifest(text);
  expect([documents.length, faults]).toEqual([2, []]);
});
