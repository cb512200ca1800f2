// Directories of PEM files: every form that is understood, the modes of keys, and what cannot be read.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { asCa, asConnector, asRelay, make } from "../../support/secret-material.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary-directory.ts";

const ca = await make("CA", asCa);
const relay = await make("relay", { ...asRelay, issuer: ca });
const connector = await make("connector", { ...asConnector, issuer: ca });

async function validate(directory: TemporaryDirectory, ...args: readonly string[]) {
  const terminal = recordingTerminal();
  const status = await main(["validate-secrets", "--dir", directory.path, "--json", ...args], terminal);
  const report = JSON.parse(terminal.stdout) as {
    findings: { id: string; file: string; line: number | null; secret: string | null }[];
    secrets: { secret: string; ok: boolean }[];
  };
  const local = (path: string) => path.replace(`${directory.path}/`, "").replace(directory.path, ".");
  const found = report.findings.map(({ id, file, line }) => `${id} ${local(file)}${line === null ? "" : `:${line}`}`);
  return { status, found, good: report.secrets.filter(({ ok }) => ok).map(({ secret }) => secret) };
}

function nested(): TemporaryDirectory {
  const directory = temporaryDirectory();
  for (const [name, made] of [["ztna-intermediate-tls", relay] as const, ["ztna-connector-tls", connector] as const]) {
    directory.write(`${name}/tls.crt`, made.crt);
    directory.write(`${name}/tls.key`, made.key);
    directory.write(`${name}/ca.crt`, ca.crt);
  }
  return directory;
}

const GOOD = { status: 0, found: [], good: ["ztna-connector-tls", "ztna-intermediate-tls"] };

describe("forms", () => {
  test("a folder for each secret", async () => {
    using directory = nested();
    expect(await validate(directory)).toEqual(GOOD);
  });

  test.each(["ca.crt", "ca.pem"])("files side by side with one %s", async (authority) => {
    using directory = temporaryDirectory();
    directory.write("ztna-intermediate-tls.crt", relay.crt);
    directory.write("ztna-intermediate-tls.key", relay.key);
    directory.write("ztna-connector-tls.crt", connector.crt);
    directory.write("ztna-connector-tls.key", connector.key);
    directory.write(authority, ca.crt);
    directory.write("other-ca.crt", ca.crt);
    directory.write("README", "what this is");
    expect(await validate(directory)).toEqual(GOOD);
  });

  test("a mounted secret, with the links that Kubernetes makes", async () => {
    using directory = temporaryDirectory();
    const mount = join(directory.path, "ztna-intermediate-tls");
    for (const [name, text] of [
      ["tls.crt", relay.crt] as const,
      ["tls.key", relay.key] as const,
      ["ca.crt", ca.crt] as const,
    ]) {
      directory.write(`ztna-intermediate-tls/..2026/${name}`, text);
      symlinkSync(`..data/${name}`, join(mount, name));
    }
    symlinkSync("..2026", join(mount, "..data"));
    const expected = directory.write("expected.json", '{"secrets":[{"name":"ztna-intermediate-tls","role":"relay"}]}');
    const terminal = recordingTerminal();
    expect(await main(["validate-secrets", "--dir", mount, "--expect", expected], terminal)).toBe(0);
    expect(terminal.stdout).toBe(`OK: ${mount}: ztna-intermediate-tls: CN=relay, valid for 299 more days\n`);
  });

  test("an empty directory lacks both", async () => {
    using directory = temporaryDirectory();
    expect(await validate(directory)).toEqual({ status: 1, found: ["missing-secret .", "missing-secret ."], good: [] });
  });
});

describe("secrets that nobody expects are judged by what they say they are", () => {
  test("a client without a ZTNA name and a certificate without a use are warnings, a nameless server is not", async () => {
    using directory = nested();
    const put = async (name: string, shape: Parameters<typeof make>[1]) => {
      const made = await make(name, { issuer: ca, ...shape });
      directory.write(`${name}/tls.crt`, made.crt + ca.crt);
      directory.write(`${name}/tls.key`, made.key);
      directory.write(`${name}/ca.crt`, ca.crt);
    };
    await put("laptop", { usage: "client", names: ["agent.web.ztna"] });
    await put("stranger", { usage: "client", names: ["laptop.example.org"] });
    await put("useless", { names: ["agent.web.ztna"] });
    await put("web", { usage: "server", names: ["web.example.org"] });
    expect(await validate(directory)).toEqual({
      ...{ status: 0, found: ["no-rights stranger/tls.crt:1", "no-rights useless/tls.crt:1"] },
      good: ["laptop", "stranger", "useless", "web", "ztna-connector-tls", "ztna-intermediate-tls"].toSorted(),
    });
    await put("web", { usage: "server" });
    expect((await validate(directory)).found).toContain("missing-name web/tls.crt:1");
  });

  test("the name of a secret tells its role", async () => {
    using directory = nested();
    for (const [name, id] of [["ztna-relay-tls", "wrong-eku"] as const, ["ztna-agent-tls", "missing-name"] as const]) {
      directory.write(`${name}/tls.crt`, connector.crt);
      directory.write(`${name}/tls.key`, connector.key);
      directory.write(`${name}/ca.crt`, ca.crt);
      expect((await validate(directory)).found).toContain(`${id} ${name}/tls.crt:1`);
    }
  });
});

describe("faults", () => {
  const TLS_KEY = "ztna-connector-tls/tls.key";

  test.each([
    [0o644, "open-key", 1],
    [0o604, "open-key", 1],
    [0o640, "group-readable-key", 0],
  ] as const)("a key of mode %o is told, unless open keys are allowed", async (mode, id, status) => {
    using directory = nested();
    chmodSync(join(directory.path, TLS_KEY), mode);
    expect(await validate(directory)).toMatchObject({ status, found: [`${id} ${TLS_KEY}:1`] });
    expect(await validate(directory, "--strict")).toMatchObject({ status: status === 0 ? 7 : 1 });
    expect(await validate(directory, "--allow-open-keys", "--strict")).toEqual(GOOD);
  });

  test("the line is that of the block", async () => {
    using directory = nested();
    const nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    directory.write("ztna-connector-tls/tls.crt", `${connector.crt.trimEnd()}\n${nonsense}`);
    const line = connector.crt.trimEnd().split("\n").length + 1;
    expect((await validate(directory)).found).toEqual([`bad-certificate ztna-connector-tls/tls.crt:${line}`]);
  });

  test("the authority's key among what is deployed", async () => {
    using directory = nested();
    directory.write("ca.key", ca.key);
    expect(await validate(directory)).toMatchObject({ status: 1, found: ["ca-key-shipped ca.key:1"] });
  });

  test("an empty file, and one that is larger than any", async () => {
    using directory = nested();
    directory.write(TLS_KEY, "");
    directory.write("ztna-intermediate-tls/tls.crt", "x".repeat(1024 * 1024 + 1));
    const { found, status } = await validate(directory);
    expect(found).toEqual([`empty-value ${TLS_KEY}`, "too-large ztna-intermediate-tls/tls.crt"]);
    expect(status).toBe(1);
  });

  test("what cannot be read has a status of its own", async () => {
    using directory = nested();
    const gone = join(directory.path, "gone");
    expect(await validate(directory, "--dir", gone)).toMatchObject({ status: 4, found: ["unreadable gone"] });
    symlinkSync("loop.crt", join(directory.path, "loop.crt"));
    expect(await validate(directory)).toMatchObject({ status: 4, found: ["unreadable ."] });
  });

  test("a name with a line in it makes no line of its own, and upper case is shown", async () => {
    using directory = nested();
    directory.write("Relay\nOK: x.crt", relay.crt);
    const terminal = recordingTerminal();
    expect(await main(["validate-secrets", "--dir", directory.path], terminal)).toBe(1);
    expect(terminal.stdout.match(/^OK: .*/gm)).toHaveLength(2);
    expect(terminal.stdout).toContain(": Relay?OK: x has no tls.key");
  });

  test("what is hidden is not looked at", async () => {
    using directory = nested();
    directory.write(".old/tls.crt", "garbage");
    expect(await validate(directory)).toEqual(GOOD);
  });

  test("pipes are not waited for, folders in a secret are no values", async () => {
    using directory = nested();
    Bun.spawnSync(["mkfifo", join(directory.path, "ztna-connector-tls/pipe")]);
    mkdirSync(join(directory.path, "ztna-connector-tls/folder"));
    expect(await validate(directory)).toEqual(GOOD);
  });
});
