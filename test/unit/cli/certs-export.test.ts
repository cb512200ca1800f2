// PKCS#12 files, as openssl reads them.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { authority, certs } from "../../support/certs-command.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { openssl } from "../../support/secret-material.ts";

async function issued(type: string) {
  const made = await authority();
  await certs("issue", "laptop", "--agent", "web", "--dir", made.dir, "--key-type", type);
  const out = join(made.dir, "laptop.p12");
  const password = join(made.dir, "password");
  writeFileSync(password, "correct horse\n", { mode: 0o600 });
  return { ...made, out, password, read: (...args: string[]) => openssl("", "pkcs12", "-in", out, ...args) };
}

describe("openssl finds the key and both certificates", () => {
  test.each(["ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"])("of a %s pair", async (type) => {
    using pair = await issued(type);
    const { status, stderr } = await certs("export", "laptop", "--dir", pair.dir, "--password-file", pair.password);
    expect([status, stderr]).toEqual([0, ""]);
    expect(statSync(pair.out).mode & 0o777).toBe(0o600);
    const whole = pair.read("-passin", "pass:correct horse", "-noenc");
    expect(whole.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(2);
    expect(whole).toContain("friendlyName: laptop");
    const own = readFileSync(join(pair.dir, "laptop.key"), "utf8");
    expect(openssl(whole, "pkey")).toBe(openssl(own, "pkey"));
    expect(pair.read("-passin", "pass:correct horse", "-clcerts", "-nokeys")).toContain("CN = laptop");
    expect(readFileSync(pair.out).includes(Buffer.from(own.split("\n")[1] as string, "base64").subarray(20))).toBe(
      false,
    );
  });
});

test("another password opens nothing", async () => {
  using pair = await issued("ecdsa-p256");
  const args = ["certs", "export", "laptop", "--dir", pair.dir, "--password-file", "-"];
  expect(await main(args, recordingTerminal({}, "päss\r\nnot this\n"))).toBe(0);
  expect(() => pair.read("-passin", "pass:pass", "-noenc")).toThrow("invalid password");
  expect(pair.read("-passin", "pass:päss", "-noenc")).toContain("PRIVATE KEY");
});

test("no password, an empty one, a foreign key or a file that exists: nothing is written", async () => {
  using pair = await issued("ecdsa-p256");
  const base = ["export", "laptop", "--dir", pair.dir];
  expect((await certs(...base)).status).toBe(2);
  writeFileSync(join(pair.dir, "empty"), "\nx\n");
  expect((await certs(...base, "--password-file", join(pair.dir, "empty"))).status).toBe(2);
  expect((await certs("export", "--password-file", pair.password)).status).toBe(2);
  await certs("issue", "other", "--agent", "web", "--dir", pair.dir);
  const own = readFileSync(join(pair.dir, "laptop.key"));
  writeFileSync(join(pair.dir, "laptop.key"), readFileSync(join(pair.dir, "other.key")));
  expect((await certs(...base, "--password-file", pair.password)).status).toBe(4);
  expect(existsSync(pair.out)).toBe(false);
  writeFileSync(join(pair.dir, "laptop.key"), own);
  expect((await certs(...base, "--password-file", pair.password)).status).toBe(0);
  expect((await certs(...base, "--password-file", pair.password)).status).toBe(1);
});
