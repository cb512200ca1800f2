// PKCS#12 files of others: openssl's, new and old; and what is none.
import { describe, expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { encodePkcs12 } from "../../../src/pki/pkcs12.ts";
import { looksLikePkcs12, readPkcs12 } from "../../../src/pki/pkcs12-reader.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();
/** Keys are derived in JavaScript when a file is written. */
const SLOW_MS = 60_000;

function opensslFile(
  pair: { readonly certFile: string; readonly keyFile: string },
  ...flags: readonly string[]
): Uint8Array {
  const input = ["-in", pair.certFile, "-inkey", pair.keyFile, "-certfile", pki.ca.certFile, "-passout", "pass:secret"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", "pkcs12", "-export", ...input, ...flags]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return new Uint8Array(stdout);
}

function hex(read: ReturnType<typeof readPkcs12>): readonly string[] | string {
  return typeof read === "string" ? read : read.certificates.map((der) => Buffer.from(der).toString("hex"));
}

const expected = (own: { readonly der: Uint8Array }) => hex({ certificates: [own.der, pki.ca.der], keys: [] });
const read = (bytes: Uint8Array, password: string) => readPkcs12(bytes, password, { withKeys: true });

function publicPart(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

describe("files of openssl", () => {
  const table = [
    ["the usual encryption", []],
    ["Triple DES", ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]],
    ["open certificates", ["-certpbe", "NONE"]],
    ["an open key", ["-keypbe", "NONE"]],
    ["no checksum", ["-nomac"]],
  ] as const;
  for (const [name, flags] of table) {
    test.each(["agent", "rsaAgent", "ed25519Agent"] as const)(
      `with ${name}: the certificates and the key of %s`,
      (kind) => {
        const bytes = opensslFile(pki[kind], ...flags);
        expect(looksLikePkcs12(bytes)).toBe(true);
        const found = read(bytes, "secret");
        expect(hex(found)).toEqual(expected(pki[kind]));
        expect(typeof found === "string" ? found : found.keys.map(publicPart)).toEqual([
          publicPart(createPrivateKey(pki[kind].keyPem)),
        ]);
      },
    );
  }

  test("do not open with another password", () => {
    for (const wrong of ["", "Secret", "s".repeat(300)]) {
      expect(read(opensslFile(pki.agent), wrong)).toBe("wrong-password");
    }
  });
});

test(
  "our own come back",
  () => {
    const { certPem, keyPem } = pki.agent;
    const bytes = encodePkcs12({ name: "a", keyPem, certificatesPem: `${certPem}\n${pki.ca.certPem}` }, "secret");
    expect(hex(readPkcs12(bytes, "any: the certificates are public", { withKeys: false }))).toEqual(
      expected(pki.agent),
    );
    expect(read(bytes, "another")).toBe("wrong-password");
    const found = read(bytes, "secret");
    expect(typeof found === "string" ? found : found.keys.map(publicPart)).toEqual([
      publicPart(createPrivateKey(keyPem)),
    ]);
  },
  SLOW_MS,
);

test("a file that asks for years of computing is refused", () => {
  const greedy = (...flags: readonly string[]) => {
    const hex = Buffer.from(opensslFile(pki.agent, "-iter", "65536", ...flags)).toString("hex");
    return new Uint8Array(Buffer.from(hex.replaceAll("0203010000", "02037fffff"), "hex"));
  };
  expect(readPkcs12(greedy(), "secret", { withKeys: false })).toBe("unsupported");
  const openCertificates = greedy("-certpbe", "NONE");
  expect(read(openCertificates, "secret")).toBe("unsupported");
  expect(readPkcs12(openCertificates, "secret", { withKeys: false })).toMatchObject({ keys: [] });
});

test("certificates, keys and words are none", () => {
  expect([pki.agent.der, Buffer.from("words"), new Uint8Array()].map(looksLikePkcs12)).toEqual([false, false, false]);
  expect(read(pki.agent.der, "")).toBe("not-pkcs12");
  expect(read(Buffer.from("30".repeat(100_000), "hex"), "")).toBe("not-pkcs12");
});

test("damaged files are refused or read, and never an exception", () => {
  const whole = Buffer.from(opensslFile(pki.agent, "-certpbe", "NONE", "-keypbe", "NONE"));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(30), fc.uint8Array({ maxLength: 10 }), (from, cut, put) => {
      const damaged = Buffer.concat([whole.subarray(0, from), put, whole.subarray(from + cut)]);
      expect(["string", "object"]).toContain(typeof read(damaged, "secret"));
    }),
    { numRuns: 300 },
  );
});
