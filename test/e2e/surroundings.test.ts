// What the directory and the environment that the binary is started in can do to it: nothing, or one clear sentence.
import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { testUnless, withoutProgram, withoutRoot } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(requireBinary);

async function check(env: Readonly<Record<string, string>>, cwd?: string) {
  const pki = await testPki();
  const own = ["--cert", pki.server.certFile, "--key", pki.server.keyFile, "--ca-cert", pki.ca.certFile];
  return runProcess([BINARY, "serve", ...own, "--check"], { env, ...(cwd === undefined ? {} : { cwd }) });
}

test("a bunfig.toml and a .env in the working directory are left alone", async () => {
  using directory = temporaryDirectory();
  directory.write("bunfig.toml", 'preload = ["./evil.ts"]\n');
  directory.write("evil.ts", `require("node:fs").writeFileSync("evil.txt", "");\n`);
  directory.write(".env", "ZTNA_SERVE_PORT=70000\n");
  const ended = await check({}, directory.path);
  expect([ended.status, ended.stderr]).toEqual([0, "ztna: options, files and credentials are in order\n"]);
  expect(existsSync(join(directory.path, "evil.txt"))).toBe(false);
});

test("an empty directory without any of the project's files is enough", async () => {
  using directory = temporaryDirectory();
  expect((await check({}, directory.path)).status).toBe(0);
});

test("a temporary directory that is not there is one sentence that names TMPDIR, with status 1", async () => {
  const ended = await check({ TMPDIR: "/nonexistent" });
  expect([ended.status, ended.stderr]).toEqual([
    1,
    expect.stringMatching(/^ztna: .*set TMPDIR to a writable directory.*\n$/),
  ]);
});

for (const option of ["noexec", "ro"]) {
  testUnless(withoutRoot(), withoutProgram("mount"))(`a ${option} temporary directory is the same`, async () => {
    using directory = temporaryDirectory();
    const mounted = join(directory.path, option);
    mkdirSync(mounted);
    const mount = await runProcess(["mount", "-t", "tmpfs", "-o", option, "tmpfs", mounted]);
    expect(mount.stderr).toBe("");
    try {
      const ended = await check({ TMPDIR: mounted });
      expect([ended.status, ended.stderr]).toEqual([
        1,
        expect.stringMatching(/^ztna: .*set TMPDIR to a writable directory.*\n$/),
      ]);
    } finally {
      await runProcess(["umount", mounted]);
    }
  });
}

test("commands that need no QUIC run without a temporary directory", async () => {
  const ended = await runProcess([BINARY, "--version"], { env: { TMPDIR: "/nonexistent" } });
  expect([ended.status, ended.stdout]).toEqual([0, expect.stringMatching(/^ztna \d+\.\d+\.\d+\n$/)]);
});
