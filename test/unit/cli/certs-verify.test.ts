// Verifying certificates before they are deployed.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { authority, certs } from "../../support/certs-command.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();

describe("verify", () => {
  test("what was issued passes, with the key beside it and the authority beside it", async () => {
    using place = await authority();
    await certs("issue", "laptop", "--agent", "web", "--dir", place.dir);
    const { status, stdout } = await certs("verify", join(place.dir, "laptop.crt"), "--agent", "web");
    expect(status).toBe(0);
    expect(stdout.match(/^ok +(\w+)/gm)).toEqual(["ok    purpose", "ok    chain", "ok    rights", "ok    key"]);
  });

  test("what is wrong is said with its fix, and the status is 1", async () => {
    const flags = ["--ca-cert", pki.otherCa.certFile, "--connector", "web", "--key", pki.connector.keyFile];
    const { status, stdout } = await certs("verify", pki.agent.certFile, ...flags);
    expect(status).toBe(1);
    expect(stdout.match(/^FAIL +(\w+)/gm)).toEqual(["FAIL  chain", "FAIL  rights", "FAIL  key"]);
    expect(stdout).toContain("; issue a certificate with the name connector.web.ztna");
    const json = JSON.parse((await certs("verify", pki.agent.certFile, ...flags, "--json")).stdout);
    expect(json).toMatchObject({ schema_version: 1, ok: false });
    expect(json.checks.filter(({ ok }: { ok: boolean }) => !ok)).toHaveLength(3);
  });

  test("names and purposes are checked as they are asked for", async () => {
    const check = async (...flags: string[]) => (await certs("verify", pki.server.certFile, ...flags)).status;
    const anchor = ["--ca-cert", pki.ca.certFile];
    expect(await check(...anchor, "--name", "relay.test", "--name", "127.0.0.1")).toBe(0);
    expect(await check(...anchor, "--name", "elsewhere.test")).toBe(1);
    expect(await check(...anchor, "--purpose", "client")).toBe(1);
    expect(await check(...anchor, "--purpose", "both")).toBe(2);
  });

  test("a file that cannot be read ends with 4", async () => {
    expect((await certs("verify", "/nowhere.crt")).status).toBe(4);
    expect((await certs("verify", pki.agent.certFile, "--ca-cert", "/nowhere.pem")).status).toBe(4);
    expect(
      (await certs("verify", pki.agent.certFile, "--ca-cert", pki.ca.certFile, "--key", "/nowhere.key")).status,
    ).toBe(4);
    expect((await certs("verify")).status).toBe(2);
  });
});
