// Revoking: the list grows, is this authority's, and OpenSSL judges by it as the relay does.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCertificates } from "../../../src/pki/key-material.ts";
import { loadRevocations } from "../../../src/pki/revocation.ts";
import { authority, certs, leafIn } from "../../support/certs-command.ts";
import { testPki } from "../../support/pki.ts";
import { runProcess } from "../../support/process.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";

const pki = await testPki();

async function withLeaves(...names: readonly string[]) {
  const place = await authority();
  for (const name of names) await certs("issue", name, "--agent", "web", "--dir", place.dir);
  const revoke = (...args: readonly string[]) => certs("revoke", ...args, "--dir", place.dir);
  return { ...place, revoke, list: join(place.dir, "crl.pem"), [Symbol.dispose]: () => place[Symbol.dispose]() };
}

/** The serial numbers that the directory's list revokes, and why. */
function revokedIn(dir: string): readonly (readonly [string, number | undefined])[] {
  const revocations = loadRevocations(join(dir, "crl.pem"), readCertificates(join(dir, "ca.pem")), Date.now());
  return revocations.lists.flatMap((list) => list.revocations.map(({ serial, reason }) => [serial, reason] as const));
}

describe("revoke", () => {
  test("takes names, files and serial numbers, and keeps what was revoked before", async () => {
    using place = await withLeaves("laptop", "office", "third");
    const { serial } = leafIn(place.dir, "laptop");
    expect(await place.revoke("laptop", "--reason", "key-compromise")).toMatchObject({ status: 0, stderr: "" });
    expect(revokedIn(place.dir)).toEqual([[serial, 1]]);
    const second = await place.revoke("laptop", join(place.dir, "office.crt"));
    expect(second.stdout).toContain(`${serial}  was revoked already\n`);
    const third = leafIn(place.dir, "third").serial;
    await certs("revoke", "--serial", third.toUpperCase().replace(/..(?=.)/g, "$&:"), "--dir", place.dir);
    const all = [
      [serial, 1],
      [leafIn(place.dir, "office").serial, undefined],
      [third, undefined],
    ];
    expect(revokedIn(place.dir)).toEqual(all as never);
    expect((await place.revoke()).stdout).toContain("crl.pem  3 revoked, until ");
    expect(revokedIn(place.dir)).toEqual(all as never);
    expect(statSync(place.list).mode & 0o777).toBe(0o600);
  });

  test("writes serial numbers as certificates carry them", async () => {
    using place = await withLeaves();
    await place.revoke("--serial", "0x00ff01", "--serial", "1", "--serial", "00:7f");
    expect(revokedIn(place.dir).map(([serial]) => serial)).toEqual(["00ff01", "01", "7f"]);
    expect((await place.revoke("--serial", "laptop")).status).toBe(2);
  });

  test("refuses a certificate of another authority, the authority itself, and what is not there", async () => {
    using place = await withLeaves();
    const foreign = await place.revoke(pki.agent.certFile);
    expect([foreign.status, foreign.stderr]).toEqual([1, expect.stringContaining("only its issuer can revoke it")]);
    const itself = await place.revoke(join(place.dir, "ca.pem"));
    expect([itself.status, itself.stderr]).toEqual([1, expect.stringContaining("is the CA itself")]);
    expect((await place.revoke("nobody")).status).toBe(4);
    expect(existsSync(place.list)).toBe(false);
  });

  test("does not overwrite a list that it cannot read", async () => {
    using place = await withLeaves("laptop");
    await Bun.write(place.list, "garbage\n");
    expect((await place.revoke("laptop")).status).toBe(4);
    expect(readFileSync(place.list, "utf8")).toBe("garbage\n");
  });

  testUnless(withoutProgram("openssl"))("makes a list by which OpenSSL refuses what is revoked", async () => {
    using place = await withLeaves("laptop", "office");
    await place.revoke("laptop");
    const openssl = async (...args: readonly string[]) => {
      const { stdout, stderr } = await runProcess(["openssl", ...args], { cwd: place.dir });
      return stdout + stderr;
    };
    expect(await openssl("crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout", "-verify")).toContain("verify OK");
    const check = ["verify", "-x509_strict", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem"];
    expect(await openssl(...check, "laptop.crt")).toContain("certificate revoked");
    expect(await openssl(...check, "office.crt")).toBe("office.crt: OK\n");
  });
});
