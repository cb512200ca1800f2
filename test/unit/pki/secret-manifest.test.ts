// A pair as a manifest, and back: what is written is what is read.
import { expect, test } from "bun:test";
import { gatherObjects } from "../../../src/pki/manifest-secrets.ts";
import { parseManifest } from "../../../src/pki/manifest-tree.ts";
import { encodeSecretManifest, pairRecord } from "../../../src/pki/secret-manifest.ts";

test("a manifest is read back as the record that it was made of", () => {
  const record = pairRecord("relay", "edge", { certificate: "c\n", key: "k\n", authority: "a\n" });
  const { documents } = parseManifest(encodeSecretManifest(record));
  const [read] = gatherObjects(documents, { file: "f", source: "f", origin: "manifest" }).records;
  expect(read).toMatchObject({ name: "relay", namespace: "edge", type: "kubernetes.io/tls" });
  const texts = [...(read?.values ?? [])].map(([key, { bytes }]) => `${key} ${Buffer.from(bytes)}`);
  expect(texts).toEqual(["tls.crt c\n", "tls.key k\n", "ca.crt a\n"]);
});
