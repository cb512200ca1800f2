// Making an authority: the files, the words, the exit codes.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { authority, certs } from "../../support/certs-command.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

describe("init", () => {
  test("makes an authority whose files only their owner can read", async () => {
    using place = await authority();
    expect(readdirSync(place.dir).sort()).toEqual(["ca.key", "ca.pem"]);
    for (const name of ["ca.key", "ca.pem"]) expect(statSync(join(place.dir, name)).mode & 0o777).toBe(0o600);
  });

  test("does not replace an authority unless forced", async () => {
    using place = await authority();
    const before = readFileSync(join(place.dir, "ca.pem"), "utf8");
    const again = await certs("init", "--dir", place.dir);
    expect([again.status, again.stderr]).toEqual([
      1,
      `ztna: ${place.dir}/ca.key exists already; --force replaces it\n`,
    ]);
    expect(readFileSync(join(place.dir, "ca.pem"), "utf8")).toBe(before);
    expect((await certs("init", "--dir", place.dir, "--force")).status).toBe(0);
    expect(readFileSync(join(place.dir, "ca.pem"), "utf8")).not.toBe(before);
  });

  test("prints what it made as JSON, and no key", async () => {
    using directory = temporaryDirectory();
    const { stdout, stderr } = await certs("init", "--dir", directory.path, "--name", "My CA", "--days", "7", "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      schema_version: 1,
      certificates: [{ kind: "ca", subject: "CN=My CA", certificate_file: join(directory.path, "ca.pem") }],
    });
    expect(stdout).not.toContain("BEGIN");
  });

  test.each([
    ["--days", "0"],
    ["--days", "-1"],
    ["--days", "1e3"],
    ["--days", "36501"],
    ["--days", ""],
    ["--name", ""],
    ["--name", "a\nb"],
    ["--name", "x".repeat(65)],
    ["--key-type", "rsa-1024"],
    ["--key-type", "dsa"],
    ["--dir", ""],
  ])("%s %j is a usage error and makes nothing", async (flag, value) => {
    using directory = temporaryDirectory();
    const { status, stderr } = await certs("init", "--dir", directory.path, flag, value);
    expect(status).toBe(2);
    expect(stderr).toContain(flag);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("a directory that cannot be made is named, with status 1", async () => {
    const { status, stderr } = await certs("init", "--dir", "/dev/null/certs");
    expect(status).toBe(1);
    expect(stderr).toStartWith("ztna: /dev/null/certs/");
  });
});
