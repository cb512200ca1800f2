// Published private keys are known by their public half.
import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { PUBLIC_TEST_KEYS, publicKeyFingerprint, publishedBy } from "../../../src/pki/public-test-keys.ts";
import { type CheckContext, checkSecret } from "../../../src/pki/secret-checks.ts";
import type { SecretRecord } from "../../../src/pki/secret-record.ts";
import { asCa, asRelay, make } from "../../support/secret-material.ts";

test("the key of RFC 9500 is known by its public point", () => {
  // Section 2.3, testECCP256.
  const x = "422548f88fb782ffb5eca3744452c72a1e558fbd6f73be5e48e93232cc45c5b1";
  const y = "6c4cd10c4cb8d5b8a17139e94882c8992572993425f41419ab7e90a42a494272";
  const encoded = (hex: string) => Buffer.from(hex, "hex").toString("base64url");
  const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x: encoded(x), y: encoded(y) }, format: "jwk" });
  expect(publishedBy(key)).toBe("RFC 9500 (testECCP256)");
});

test("every entry is a fingerprint with an origin", () => {
  for (const [fingerprint, origin] of PUBLIC_TEST_KEYS) {
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(origin).toMatch(/^[A-Zt]/);
  }
});

test("a secret with a listed key fails, in whatever value the key is", async () => {
  const ca = await make("CA", asCa);
  const relay = await make("relay", { ...asRelay, issuer: ca });
  const half = createPublicKey(relay.key);
  const context: CheckContext = {
    ...{ wallNow: Date.now(), minDays: 30, allowOpenKeys: false, anchors: [] },
    publicKeys: new Map([[publicKeyFingerprint(half), "a book"]]),
  };
  const record = (values: Readonly<Record<string, string>>): SecretRecord => ({
    ...{ name: "s", type: "kubernetes.io/tls", origin: "manifest", source: "s", place: { file: "f", line: 1 } },
    unusable: new Set(),
    values: new Map(
      Object.entries(values).map(([key, text]) => [key, { bytes: Buffer.from(text), place: { file: "f" } }]),
    ),
  });
  const values = { "tls.crt": relay.crt, "tls.key": relay.key, "ca.crt": ca.crt };
  const found = (given: Readonly<Record<string, string>>, listed = context) =>
    checkSecret(record(given), undefined, listed).findings.map(({ id, key }) => `${id} ${key}`);
  expect(found(values)).toEqual(["public-test-key tls.key"]);
  expect(found({ ...values, "backup.pem": relay.key })).toEqual([
    "public-test-key tls.key",
    "public-test-key backup.pem",
  ]);
  expect(found(values, { ...context, publicKeys: new Map() })).toEqual([]);
});
