// Issuing leaves: what gets into them, what never does, and what is not overwritten.
import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { readCertificates } from "../../../src/pki/key-material.ts";
import { authority, certs, leafIn } from "../../support/certs-command.ts";
import { testPki } from "../../support/pki.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();

describe("issue", () => {
  test("makes a server certificate with the names that were given", async () => {
    using place = await authority();
    const names = ["--host", "relay.example.org", "--host", "*.example.net", "--address", "203.0.113.1,::1"];
    expect((await certs("issue", "relay", "--server", "--dir", place.dir, ...names)).status).toBe(0);
    const leaf = leafIn(place.dir, "relay");
    expect(leaf.dnsNames).toEqual(["ztna-server", "relay.example.org", "*.example.net"]);
    expect(leaf.ipAddresses).toEqual(["203.0.113.1", "::1"]);
    for (const name of ["relay.key", "relay.crt"]) expect(statSync(join(place.dir, name)).mode & 0o777).toBe(0o600);
  });

  test("makes a client certificate with exactly the grants that were given, of any key type", async () => {
    using place = await authority();
    for (const [type, kind] of [
      ["ecdsa", "ec"],
      ["rsa-2048", "rsa"],
      ["ed25519", "ed25519"],
    ] as const) {
      const grants = ["--agent", "web", "--agent", "a.b", "--connector", "*"];
      const { status, stdout } = await certs("issue", kind, "--dir", place.dir, "--key-type", type, ...grants);
      expect(status).toBe(0);
      expect(stdout).toContain("may use web, may use a.b, may provide every service");
      const leaf = leafIn(place.dir, kind);
      expect(leaf.dnsNames).toEqual(["agent.web.ztna", "agent.a.b.ztna", "connector.*.ztna"]);
      expect(leaf.key.kind).toBe(kind);
    }
  });

  test("a connector's leaf for direct connections carries ztna-connector", async () => {
    using place = await authority();
    await certs("issue", "edge", "--p2p", "--dir", place.dir);
    expect(leafIn(place.dir, "edge").dnsNames).toEqual(["ztna-connector"]);
  });

  test.each([
    ["no use", []],
    ["two uses", ["--server", "--agent", "web"]],
    ["both kinds of server", ["--server", "--p2p"]],
    ["a host for a client", ["--agent", "web", "--host", "relay.example.org"]],
    ["an address for a client", ["--connector", "web", "--address", "127.0.0.1"]],
    ["a service in upper case", ["--agent", "Web"]],
    ["a service with a comma and more names", ["--agent", "a,DNS:agent.*.ztna"]],
    ["a service with a partial wildcard", ["--agent", "web-*"]],
    ["an empty service", ["--agent", ""]],
    ["a service of 201 characters", ["--agent", "x".repeat(201)]],
    ["a host that is an address", ["--server", "--host", "127.0.0.1"]],
    ["a host that is the name of a grant", ["--server", "--host", "agent.web.ztna"]],
    ["a host with a port", ["--server", "--host", "relay.example.org:4433"]],
    ["an address that is a host", ["--server", "--address", "relay.example.org"]],
    ["an address with a prefix length", ["--server", "--address", "10.0.0.0/8"]],
    ["no days", ["--server", "--days", "0"]],
    ["an unknown flag", ["--server", "--hosts", "relay.example.org"]],
  ])("%s is a usage error and makes nothing", async (_, flags) => {
    using place = await authority();
    const { status, stdout } = await certs("issue", "x", "--dir", place.dir, ...flags);
    expect([status, stdout]).toEqual([2, ""]);
    expect(readdirSync(place.dir).sort()).toEqual(["ca.key", "ca.pem"]);
  });

  test.each(["../evil", "a/b", ".hidden", "", "ca", "CA", "x".repeat(65), "a b"])("%j is no name", async (name) => {
    using place = await authority();
    expect((await certs("issue", name, "--server", "--dir", place.dir)).status).toBe(2);
  });

  test("the files of the authority cannot be overwritten, even by force", async () => {
    using place = await authority();
    const own = ["--ca-cert", join(place.dir, "root.crt"), "--ca-key", join(place.dir, "root.key")];
    await Bun.write(own[1] as string, Bun.file(join(place.dir, "ca.pem")));
    await Bun.write(own[3] as string, Bun.file(join(place.dir, "ca.key")));
    chmodSync(own[3] as string, 0o600);
    const { status, stderr } = await certs("issue", "root", "--server", "--dir", place.dir, ...own, "--force");
    expect(status).toBe(2);
    expect(stderr).toContain("the authority's own file");
  });

  test("an existing leaf is replaced only by force", async () => {
    using place = await authority();
    const flags = ["issue", "laptop", "--agent", "web", "--dir", place.dir];
    await certs(...flags);
    const { serial } = leafIn(place.dir, "laptop");
    expect((await certs(...flags)).status).toBe(1);
    expect(leafIn(place.dir, "laptop").serial).toBe(serial);
    expect((await certs(...flags, "--force")).status).toBe(0);
    expect(leafIn(place.dir, "laptop").serial).not.toBe(serial);
  });

  test("no leaf outlives its authority: asked for, it is refused; by default it ends with it", async () => {
    using directory = temporaryDirectory();
    const dir = directory.path;
    await certs("init", "--dir", dir, "--days", "10");
    const asked = await certs("issue", "x", "--server", "--dir", dir, "--days", "11");
    expect(asked.status).toBe(2);
    expect(asked.stderr).toContain("--days goes beyond the authority, which ends on ");
    expect((await certs("issue", "x", "--server", "--dir", dir)).status).toBe(0);
    const [ca] = readCertificates(join(dir, "ca.pem"));
    expect(leafIn(dir, "x").notAfter).toBe(ca?.facts.notAfter as number);
  });

  test("a missing, foreign or open key of the authority ends with 4 and is named", async () => {
    using place = await authority();
    const issue = (...flags: string[]) => certs("issue", "x", "--server", "--dir", place.dir, ...flags);
    expect(await issue("--ca-key", join(place.dir, "nowhere.key"))).toMatchObject({
      status: 4,
      stderr: `ztna: ${place.dir}/nowhere.key does not exist; check the path\n`,
    });
    expect(await issue("--ca-key", pki.ca.keyFile)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining("is not the key of"),
    });
    expect(await issue("--ca-cert", pki.agent.certFile)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining("not a CA"),
    });
    chmodSync(join(place.dir, "ca.key"), 0o644);
    expect(await issue()).toMatchObject({ status: 4, stderr: expect.stringContaining("open to everybody") });
    expect(await issue("--allow-open-keys")).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("ztna: warning: "),
    });
  });

  test("options come from variables too, and a flag goes before them", async () => {
    using place = await authority();
    const terminal = recordingTerminal({ ZTNA_CERTS_ISSUE_DIR: place.dir, ZTNA_CERTS_ISSUE_AGENT: "web,db" });
    expect(await main(["certs", "issue", "laptop"], terminal)).toBe(0);
    expect(leafIn(place.dir, "laptop").dnsNames).toEqual(["agent.web.ztna", "agent.db.ztna"]);
    const wrong = recordingTerminal({ ZTNA_CERTS_ISSUE_DIR: place.dir, ZTNA_CERTS_ISSUE_AGENT: "No Name" });
    expect(await main(["certs", "issue", "other"], wrong)).toBe(3);
  });
});
