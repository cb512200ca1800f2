// Certificates that others made, on standard input: shown and verified as those in files are.
import { expect, test } from "bun:test";
import { main } from "../../../src/cli/main.ts";
import { testPki } from "../../support/pki.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

const pki = await testPki();

async function certs(input: string, ...args: readonly string[]) {
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
