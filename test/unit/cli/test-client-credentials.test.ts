// The test client's own credentials: bad ones are presented, unusable files are not.
import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientSettings } from "../../../src/cli/test-client-credentials.ts";
import { clientConfig } from "../../../src/quic/settings.ts";
import { testPki } from "../../support/pki.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

const NO_FILES = { clientCert: undefined, clientKey: undefined, caCert: undefined };
const NONE = { ...NO_FILES, allowOpenKeys: false, alpn: undefined, congestion: "cubic" } as const;
const pki = await testPki();

function settings(options: Partial<typeof NONE> | object) {
  const terminal = recordingTerminal();
  return { settings: clientSettings({ ...NONE, ...options }, terminal), terminal };
}

test("without a CA nothing is verified, and one line says so", () => {
  const { settings: found, terminal } = settings({});
  expect(found).toEqual({ tls: { ca: undefined }, verifyPeer: false, congestion: "cubic" });
  expect(terminal.stderr).toMatch(/^ztna: warning: without --ca-cert the relay is not verified[^\n]*\n$/);
  expect(terminal.stdout).toBe("");
});

test("with a CA the relay is verified, and nothing is said", () => {
  const { settings: found, terminal } = settings({ caCert: pki.ca.certFile, alpn: "h3" });
  expect(found).toMatchObject({ verifyPeer: true, alpn: "h3" });
  expect(found.tls.ca?.length).toBeGreaterThan(100);
  expect(terminal.stderr).toBe("");
});

test.each(Object.entries(pki.badClients))("a certificate that is bad (%s) is presented all the same", (kind, bad) => {
  const { settings: found, terminal } = settings({ clientCert: bad.certFile, clientKey: bad.keyFile });
  clientConfig(found);
  expect(found.tls.certChain?.length).toBeGreaterThan(100);
  const isFaulty = kind !== "wrongCa" && kind !== "noZtnaName";
  expect(terminal.stderr.includes("is presented as it is")).toBe(isFaulty);
});

test("a certificate without its key has no effect, as in the reference, but is mentioned", () => {
  for (const half of [{ clientCert: pki.agent.certFile }, { clientKey: pki.agent.keyFile }]) {
    const { settings: found, terminal } = settings(half);
    expect(found.tls.certChain).toBeUndefined();
    expect(terminal.stderr).toContain("only together");
  }
});

test("another certificate's key, a missing file and garbage are refused by name", () => {
  const garbage = join(pki.dir, "garbage.pem");
  writeFileSync(garbage, "hello");
  const { certFile, keyFile } = pki.agent;
  const fault = (options: object) => {
    try {
      settings(options);
      return undefined;
    } catch (error) {
      return error as { reason: string; file: string };
    }
  };
  expect(fault({ clientCert: certFile, clientKey: pki.connector.keyFile })).toMatchObject({ reason: "mismatch" });
  expect(fault({ clientCert: garbage, clientKey: keyFile })).toMatchObject({ reason: "not-pem", file: garbage });
  expect(fault({ caCert: join(pki.dir, "nowhere.pem") })).toMatchObject({ reason: "missing" });
  expect(fault({ caCert: certFile })).toMatchObject({ reason: "not-a-ca" });
});

test("a key that everybody may read is refused unless that is allowed", () => {
  const open = join(pki.dir, "open.key");
  copyFileSync(pki.agent.keyFile, open);
  chmodSync(open, 0o644);
  const options = { clientCert: pki.agent.certFile, clientKey: open };
  expect(() => settings(options)).toThrow("--allow-open-keys");
  expect(settings({ ...options, allowOpenKeys: true }).settings.tls.key?.length).toBeGreaterThan(100);
});
