// Certificates that others made, PEM, DER or PKCS#12, in a file or on standard input: shown and verified alike.
import { expect, test } from "bun:test";
import { main } from "../../../src/cli/main.ts";
import { encodePkcs12 } from "../../../src/pki/pkcs12.ts";
import { testPki } from "../../support/pki.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { openssl } from "../../support/secret-material.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();
/** Keys are derived in JavaScript when a file is written. */
const SLOW_MS = 60_000;
const withOpenssl = testUnless(withoutProgram("openssl"));

async function certs(input: string | Uint8Array, ...args: readonly string[]) {
  const terminal = recordingTerminal({}, input);
  const status = await main(["certs", ...args], terminal);
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

test("a chain of certificates with any kind of key is shown", async () => {
  const chain = [pki.agent, pki.rsaAgent, pki.ed25519Agent, pki.ca].map(({ certPem }) => certPem).join("");
  const { status, stdout } = await certs(chain, "show", "-", "--json");
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.certificates.map(({ key }: { key: string }) => key)).toEqual([
    "ECDSA P-256",
    "RSA 2048",
    "Ed25519",
    "ECDSA P-256",
  ]);
});

test("a certificate is verified against a CA of another file", async () => {
  const good = await certs(pki.agent.certPem, "verify", "-", "--ca-cert", pki.ca.certFile, "--agent", "web");
  expect([good.status, good.stderr]).toEqual([0, ""]);
  const bad = await certs(pki.agent.certPem, "verify", "--file", "-", "--ca-cert", pki.otherCa.certFile);
  expect(bad.status).toBe(1);
});

test("what is no certificate is named, and so is what is too much", async () => {
  const words = await certs("words", "show", "-");
  expect([words.status, words.stderr]).toEqual([4, "ztna: <stdin> holds no PEM block; name a PEM certificate\n"]);
  expect((await certs(`${pki.agent.certPem}${"x".repeat(1024 * 1024)}`, "show", "-")).status).toBe(4);
  expect((await certs("", "verify", "-", "--ca-cert", pki.ca.certFile)).status).toBe(4);
});

/** As openssl makes it, with the password "secret". */
function pkcs12(pair: { readonly certFile: string; readonly keyFile: string }): Uint8Array {
  const input = ["-in", pair.certFile, "-inkey", pair.keyFile, "-certfile", pki.ca.certFile, "-passout", "pass:secret"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", "pkcs12", "-export", ...input]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return new Uint8Array(stdout);
}

withOpenssl("DER and PKCS#12 are read from files and from standard input", async () => {
  using directory = temporaryDirectory();
  const password = ["--password-file", directory.write("password", "secret\n")];
  const bytes = pkcs12(pki.agent);
  const anchor = ["--ca-cert", pki.ca.certFile];
  for (const [place, p12, der] of [
    ["files", directory.write("agent.p12", bytes), directory.write("agent.der", pki.agent.der)],
    ["standard input", "-", "-"],
  ] as const) {
    const run = (input: Uint8Array, ...args: readonly string[]) => certs(place === "files" ? "" : input, ...args);
    expect((await run(bytes, "show", p12, ...password)).stdout.match(/^subject/gm)).toHaveLength(2);
    expect((await run(pki.agent.der, "show", der)).stdout).toContain("may use web");
    const verified = await run(bytes, "verify", p12, ...password, ...anchor);
    expect([verified.status, verified.stdout.match(/^\w+ +key/gm)]).toEqual([0, ["ok    key"]]);
    expect((await run(pki.agent.der, "verify", der, ...anchor)).status).toBe(0);
    const closed = await run(bytes, "show", p12);
    expect([closed.status, closed.stdout, closed.stderr]).toEqual([4, "", expect.stringContaining("--password-file")]);
  }
});

withOpenssl("a certificate of a curve that no peer takes is called that", async () => {
  const key = openssl("", "ecparam", "-name", "secp256k1", "-genkey", "-noout");
  const certificate = openssl(key, "req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=odd");
  const { status, stderr } = await certs(certificate, "show", "-");
  expect([status, stderr]).toEqual([4, expect.stringContaining("a certificate that the TLS library does not take")]);
});

test(
  "the key inside a PKCS#12 file is held against its certificate, and one that is given goes first",
  async () => {
    using directory = temporaryDirectory();
    const flags = ["--ca-cert", pki.ca.certFile, "--password-file", directory.write("password", "secret\n")];
    const contents = { name: "a", keyPem: pki.connector.keyPem, certificatesPem: pki.agent.certPem };
    const swapped = encodePkcs12(contents, "secret");
    const refused = await certs(swapped, "verify", "-", ...flags);
    expect([refused.status, refused.stdout]).toEqual([1, expect.stringMatching(/^FAIL {2}key/m)]);
    expect((await certs(swapped, "verify", "-", ...flags, "--key", pki.agent.keyFile)).status).toBe(0);
    // Who only looks at certificates needs no password for the key.
    expect((await certs(swapped, "show", "-")).status).toBe(0);
  },
  SLOW_MS,
);
