// `ztna certs` as a program, from source and compiled: what it issues must satisfy OpenSSL's strict checks.
import { describe, expect } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BINARY } from "../support/binary.ts";
import { startRelay } from "../support/daemons.ts";
import { testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { ROOT } from "../support/repository.ts";
import { firstReason, testUnless, withoutProgram } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const programs: readonly [string, readonly string[], string | undefined][] = [
  ["from source", [process.execPath, join(ROOT, "bin/ztna.ts")], undefined],
  ["compiled", [BINARY], existsSync(BINARY) ? undefined : "dist/ztna is not built"],
];

for (const [name, program, missing] of programs) {
  describe(name, () => {
    const whenPossible = testUnless(missing);
    const withOpenssl = testUnless(firstReason([missing, withoutProgram("openssl")]));

    /** In an empty directory, which is also the working directory. */
    function session() {
      const directory = temporaryDirectory();
      const run = (...args: readonly string[]) =>
        runProcess([...program, "certs", ...args], { cwd: directory.path, env: { BUN_OPTIONS: undefined } });
      const succeed = async (...args: readonly string[]) => {
        const ended = await run(...args);
        expect(ended).toMatchObject({ status: 0 });
        return ended.stdout;
      };
      const verify = async (file: string, ...flags: readonly string[]) => {
        const command = ["openssl", "verify", "-x509_strict", "-CAfile", "certs/ca.pem", ...flags, `certs/${file}`];
        const { stdout, stderr } = await runProcess(command, { cwd: directory.path });
        return (stdout + stderr).trim();
      };
      return { path: directory.path, run, succeed, verify, [Symbol.dispose]: () => directory[Symbol.dispose]() };
    }

    withOpenssl(
      "what init and issue make passes openssl verify with purpose and name",
      async () => {
        using at = session();
        await at.succeed("init");
        const names = ["--host", "relay.example.org", "--address", "127.0.0.1", "--address", "::1"];
        await at.succeed("issue", "relay", "--server", ...names);
        await at.succeed("issue", "edge", "--p2p", "--host", "edge.example.org");
        await at.succeed("issue", "connector", "--connector", "web", "--connector", "db");
        await at.succeed("issue", "laptop", "--agent", "web", "--key-type", "ed25519");
        await at.succeed("issue", "robot", "--agent", "*", "--key-type", "rsa-2048");
        const server = ["-purpose", "sslserver"];
        for (const host of ["ztna-server", "relay.example.org"]) {
          expect(await at.verify("relay.crt", ...server, "-verify_hostname", host)).toBe("certs/relay.crt: OK");
        }
        for (const ip of ["127.0.0.1", "::1"]) {
          expect(await at.verify("relay.crt", ...server, "-verify_ip", ip)).toBe("certs/relay.crt: OK");
        }
        expect(await at.verify("edge.crt", ...server, "-verify_hostname", "ztna-connector")).toEndWith(": OK");
        const clients = [
          ["connector.crt", "connector.db.ztna"],
          ["laptop.crt", "agent.web.ztna"],
        ] as const;
        for (const [file, host] of clients) {
          expect(await at.verify(file, "-purpose", "sslclient", "-verify_hostname", host)).toBe(`certs/${file}: OK`);
        }
        expect(await at.verify("robot.crt", "-purpose", "sslclient")).toEndWith(": OK");
        expect(await at.verify("laptop.crt", ...server)).toContain("unsuitable certificate purpose");
        expect(await at.verify("relay.crt", "-verify_hostname", "other.example.org")).toContain("hostname mismatch");
        for (const file of readdirSync(join(at.path, "certs"))) {
          expect([file, statSync(join(at.path, "certs", file)).mode & 0o777]).toEqual([file, 0o600]);
        }
      },
      TIMEOUT_MS,
    );

    withOpenssl("the sample plan makes a PKI that verifies", async () => {
      using at = session();
      await at.succeed("init", "--plan", join(ROOT, "certs.example/pki.json"));
      expect(await at.verify("relay.crt", "-purpose", "sslserver", "-verify_ip", "203.0.113.10")).toEndWith(": OK");
      expect(await at.verify("admin.crt", "-purpose", "sslclient")).toEndWith(": OK");
    });

    whenPossible("show and verify print data on standard output and judge by exit code", async () => {
      using at = session();
      await at.succeed("init");
      await at.succeed("issue", "laptop", "--agent", "web");
      expect(await at.succeed("show", "certs/laptop.crt")).toContain("may use web");
      expect(JSON.parse(await at.succeed("show", "certs/laptop.crt", "--json"))).toMatchObject({ schema_version: 1 });
      expect(await at.succeed("verify", "certs/laptop.crt", "--agent", "web")).toStartWith("ok ");
      const refused = await at.run("verify", "certs/laptop.crt", "--connector", "web");
      expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining("FAIL  rights")]);
    });

    whenPossible("an endless standard input is refused, and a file with the name of a server is a file", async () => {
      using at = session();
      await at.succeed("init");
      const quoted = program.map((part) => `'${part}'`).join(" ");
      const endless = await runProcess(["sh", "-c", `yes | ${quoted} certs show -`], { cwd: at.path });
      expect([endless.status, endless.stderr]).toEqual([4, expect.stringContaining("<stdin> is larger than")]);
      await Bun.write(join(at.path, "localhost:4433"), Bun.file(join(at.path, "certs/ca.pem")));
      expect(await at.succeed("show", "localhost:4433")).toContain("CA certificate");
    });

    whenPossible("failures end with 1, usage errors with 2, a wrong plan with 3, bad files with 4", async () => {
      using at = session();
      await at.succeed("init");
      await Bun.write(join(at.path, "plan.json"), '{"x":1}');
      const statuses = await Promise.all([
        at.run("init"),
        at.run("issue", "x", "--agent", "No"),
        at.run("init", "--plan", "plan.json"),
        at.run("show", "certs/ca.key"),
      ]);
      expect(statuses.map(({ status }) => status)).toEqual([1, 2, 3, 4]);
      for (const { stdout, stderr } of statuses) {
        expect(stdout).toBe("");
        expect(stderr).toMatch(/^ztna: [^\n]+\n$/);
      }
    });
  });
}

testUnless(existsSync(BINARY) ? undefined : "dist/ztna is not built")(
  "a running relay shows its certificate to somebody without one, and is judged by CA and name",
  async () => {
    using directory = temporaryDirectory();
    await using relay = await startRelay({ cwd: directory.path });
    const pki = await testPki();
    const place = `127.0.0.1:${relay.port}`;
    const run = (...args: readonly string[]) => runProcess([BINARY, "certs", ...args], { cwd: directory.path });
    const shown = await run("show", place);
    expect(shown).toMatchObject({ status: 0, stderr: "" });
    expect(shown.stdout).toContain("relay.test");
    expect(await run("verify", place, "--ca-cert", pki.ca.certFile)).toMatchObject({ status: 0 });
    expect(await run("verify", place, "--ca-cert", pki.otherCa.certFile)).toMatchObject({ status: 1 });
    await relay.process.end();
    expect(await run("show", place, "--timeout", "500ms")).toMatchObject({ status: 5, stdout: "" });
  },
);

/** Sixteen processes one after the other, one of which makes an RSA key. */
const TIMEOUT_MS = 60_000;
