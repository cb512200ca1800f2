// PKCS#12 files of others: openssl's, new and old; and what is none.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodePkcs12 } from "../../../src/pki/pkcs12.ts";
import { looksLikePkcs12, readPkcs12 } from "../../../src/pki/pkcs12-reader.ts";
import { testPki } from "../../support/pki.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();

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
  return typeof read === "string" ? read : read.map((der) => Buffer.from(der).toString("hex"));
}

const expected = (own: { readonly der: Uint8Array }) => hex([own.der, pki.ca.der]);

describe("files of openssl", () => {
  const table = [
    ["the usual encryption", []],
    ["Triple DES", ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]],
    ["open certificates", ["-certpbe", "NONE"]],
    ["no checksum", ["-nomac"]],
  ] as const;
  for (const [name, flags] of table) {
    test.each(["agent", "rsaAgent", "ed25519Agent"] as const)(
      `with ${name}: the certificates of %s to the byte`,
      (kind) => {
        const bytes = opensslFile(pki[kind], ...flags);
        expect(looksLikePkcs12(bytes)).toBe(true);
        expect(hex(readPkcs12(bytes, "secret"))).toEqual(expected(pki[kind]));
      },
    );
  }

  test("do not open with another password", () => {
    for (const wrong of ["", "Secret", "s".repeat(300)]) {
      expect(readPkcs12(opensslFile(pki.agent), wrong)).toBe("wrong-password");
    }
  });
});

test("our own come back", () => {
  const { certPem, keyPem } = pki.agent;
  const bytes = encodePkcs12({ name: "a", keyPem, certificatesPem: `${certPem}\n${pki.ca.certPem}` }, "secret");
  expect(hex(readPkcs12(bytes, "any: the certificates are public"))).toEqual(expected(pki.agent));
});

test("a file that asks for years of computing is refused", () => {
  const greedy = opensslFile(pki.agent, "-iter", "600001");
  expect(readPkcs12(greedy, "secret")).toBe("unsupported");
});

test("certificates, keys and words are none", () => {
  expect([pki.agent.der, Buffer.from("words"), new Uint8Array()].map(looksLikePkcs12)).toEqual([false, false, false]);
  expect(readPkcs12(pki.agent.der, "")).toBe("not-pkcs12");
  expect(readPkcs12(Buffer.from("30".repeat(100_000), "hex"), "")).toBe("not-pkcs12");
});

test("damaged files are refused or read, and never an exception", () => {
  const whole = Buffer.from(opensslFile(pki.agent, "-certpbe", "NONE", "-keypbe", "NONE"));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(30), fc.uint8Array({ maxLength: 10 }), (from, cut, put) => {
      const damaged = Buffer.concat([whole.subarray(0, from), put, whole.subarray(from + cut)]);
      expect(["string", "object"]).toContain(typeof readPkcs12(damaged, "secret"));
    }),
    { numRuns: 300 },
  );
});

test("show and verify read them, and DER", async () => {
  const { main } = await import("../../../src/cli/main.ts");
  const { recordingTerminal } = await import("../../support/recording-terminal.ts");
  using directory = temporaryDirectory();
  const file = directory.write("agent.p12", opensslFile(pki.agent));
  const der = directory.write("agent.der", pki.agent.der);
  const password = directory.write("password", "secret\n");
  const run = async (...args: readonly string[]) => {
    const terminal = recordingTerminal();
    return { status: await main(["certs", ...args], terminal), out: terminal.stdout, err: terminal.stderr };
  };
  expect((await run("show", file, "--password-file", password)).out.match(/^subject/gm)).toHaveLength(2);
  expect((await run("show", der)).out).toContain("may use web");
  expect((await run("verify", file, "--password-file", password, "--ca-cert", pki.ca.certFile)).status).toBe(0);
  const refused = await run("show", file);
  expect([refused.status, refused.out]).toEqual([4, ""]);
  expect(refused.err).toContain("--password-file");
});
