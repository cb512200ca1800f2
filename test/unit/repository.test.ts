// What the repository must not hold, checked on every tracked file: keys, real addresses, somebody's paths.
import { describe, expect, test } from "bun:test";
import { hostKeysChecked, noKeyMaterial, noMachinePaths, onlyReservedAddresses } from "../support/hygiene-rules.ts";
import { git, ROOT, repositoryFiles } from "../support/repository.ts";
import { scanRepository } from "../support/repository-scan.ts";
import { testUnless, withoutProgram } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const files = repositoryFiles();
const faultsOf = (rule: typeof noKeyMaterial) =>
  files.flatMap((file) => rule(file).map((fault) => `${file.path}: ${fault}`));
const textOf = (path: string) => files.find((file) => file.path === path)?.text;
const check = (rule: typeof noKeyMaterial, text: string, path = "README.md") => rule({ path, text });

describe("no key material is tracked", () => {
  test("in no file", () => {
    expect(faultsOf(noKeyMaterial)).toEqual([]);
  });

  test("a key would be noticed by its name, its PEM text or its encoding", async () => {
    const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey)).toString("base64");
    const begin = `-----BEGIN ${"PRIVATE"} KEY-----`;
    expect(check(noKeyMaterial, "", "test/server.key")).toHaveLength(1);
    expect(check(noKeyMaterial, "", "certs/x")).toHaveLength(1);
    expect(check(noKeyMaterial, `${begin}\n${base64.slice(-64)}\n`)).toHaveLength(1);
    expect(check(noKeyMaterial, `${begin}\\n${base64.slice(-64)}`)).toHaveLength(1);
    expect(check(noKeyMaterial, `"key": "${base64}"`)).toHaveLength(1);
    const secret = Buffer.from(`${begin}\n${base64}\n`).toString("base64");
    expect(check(noKeyMaterial, `tls.key: ${secret}`)).toHaveLength(1);
    const rsa = await crypto.subtle.generateKey(RSA_2048, true, ["sign"]);
    const rsaBase64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", rsa.privateKey)).toString("base64");
    expect(check(noKeyMaterial, rsaBase64)).toHaveLength(1);
    expect(check(noKeyMaterial, `text.includes("${begin}")`)).toEqual([]);
  });

  test("keys and the environment file are ignored, their example is tracked", () => {
    const ignored = textOf(".gitignore")?.split("\n") ?? [];
    for (const pattern of ["certs/", ".env", "dist/", "node_modules/"]) expect(ignored).toContain(pattern);
    expect(textOf(".env.example")).toBeDefined();
    expect(textOf(".env")).toBeUndefined();
    for (const path of ["certs/relay.key", ".env", "dist/ztna"])
      expect(git("check-ignore", path)?.trim() ?? path).toBe(path);
  });
});

describe("no real address is in a default, an example or a test", () => {
  test("in no file", () => {
    expect(faultsOf(onlyReservedAddresses)).toEqual([]);
  });

  test("a public address would be noticed, reserved ones and version numbers are not addresses", () => {
    const real = [["8", "8", "8", "8"].join("."), ["2606:4700", "1111"].join("::"), ["172", "32", "0", "1"].join(".")];
    for (const address of real) expect(check(onlyReservedAddresses, `host = ${address}:53`)).toHaveLength(1);
    const fine = "127.0.0.1 10.1.2.3 192.168.0.1 100.64.0.9 203.0.113.7 [::1]:80 fe80::1 2001:db8::5 v1.2.3 2.5.29.17";
    expect(check(onlyReservedAddresses, `RFC 9293 section ${[3, 10, 7, 4].join(".")}`)).toEqual([]);
    expect(check(onlyReservedAddresses, `${fine} 1.3.6.1.5.5.7.3.2 999.1.1.1 12:34:56`)).toEqual([]);
  });
});

describe("nobody's machine is in a document", () => {
  test("in no file", () => {
    expect(faultsOf(noMachinePaths)).toEqual([]);
  });

  test("a home directory would be noticed, a path inside the project is none", () => {
    for (const path of ["/home", "/Users", "/root"]) expect(check(noMachinePaths, `cd ${path}/alice`)).toHaveLength(1);
    expect(check(noMachinePaths, `C:${"\\"}Users${"\\"}alice`)).toHaveLength(1);
    expect(check(noMachinePaths, "see test/e2e/work/x, /etc/ztna/connector.json, src/home/y")).toEqual([]);
  });
});

describe("no command switches host key checking off", () => {
  test("in no file", () => {
    expect(faultsOf(hostKeysChecked)).toEqual([]);
  });

  test("one would be noticed", () => {
    const strict = `${"StrictHostKey"}Checking`;
    const known = `${"UserKnown"}HostsFile`;
    for (const off of [`ssh -o ${strict}=no relay`, `${strict} off`, `${strict}: "no"`, `-o ${known}=/dev/null`]) {
      expect(check(hostKeysChecked, off)).toHaveLength(1);
    }
    for (const fine of [`${strict} accept-new`, `${strict}=yes`, `${known} ~/.ssh/known_hosts`]) {
      expect(check(hostKeysChecked, fine)).toEqual([]);
    }
  });
});

describe("what the repository ever held", () => {
  const needsGit = testUnless(withoutProgram("git"));

  needsGit("and in no file of the history", () => {
    const isInvented = (fault: string) =>
      INVENTED.some((address) => fault.startsWith("history, ") && fault.includes(`: ${address} is outside`));
    expect(scanRepository(ROOT).filter((fault) => !isInvented(fault))).toEqual([]);
  });

  const planted: readonly (readonly [string, string, string])[] = [
    ["a private key", "notes.md", `-----BEGIN ${"PRIVATE"} KEY-----\n${"A".repeat(64)}\n`],
    ["a key file", "relay.key", "not even a key\n"],
    ["a real address", "deploy.yaml", `host: ${["9", "9", "9", "9"].join(".")}\n`],
    ["somebody's path", "notes.md", `see ${"/home"}/alice/ztna\n`],
    ["an SSH option", "deploy.sh", `ssh -o ${"StrictHostKey"}Checking=no relay\n`],
  ];
  for (const [what, path, text] of planted) {
    needsGit(`${what} is noticed on disk, when tracked, when deleted again, on a forgotten branch`, () => {
      using repository = temporaryRepository();
      repository.commit("README.md", "fine\n", "Begin");
      expect(scanRepository(repository.path)).toEqual([]);
      repository.git("checkout", "-q", "-b", "forgotten");
      repository.write(path, text);
      expect(scanRepository(repository.path)).toEqual([expect.stringContaining(`${path}: `)]);
      repository.commit(path, text, "Plant");
      expect(scanRepository(repository.path)).toEqual([expect.stringContaining(`${path}: `)]);
      repository.git("rm", "-q", path);
      repository.git("commit", "-q", "-m", "Delete");
      expect(scanRepository(repository.path)).toEqual([expect.stringContaining(`history, ${path}: `)]);
      repository.git("checkout", "-q", "main");
      expect(scanRepository(repository.path)).toEqual([expect.stringContaining(`history, ${path}: `)]);
    });
  }

  needsGit("a message counts as well", () => {
    using repository = temporaryRepository();
    repository.commit("README.md", "fine\n", `Test on ${["9", "9", "9", "9"].join(".")}`);
    expect(scanRepository(repository.path)).toEqual([expect.stringMatching(/^history, message of [0-9a-f]{12}: /)]);
  });

  needsGit("what is ignored does not count", () => {
    using repository = temporaryRepository();
    repository.commit(".gitignore", "certs/\n", "Begin");
    repository.write("certs/relay.key", "x");
    expect(scanRepository(repository.path)).toEqual([]);
  });
});

function temporaryRepository() {
  const directory = temporaryDirectory();
  const run = (...args: string[]) => {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    const { exitCode, stderr } = Bun.spawnSync(["git", "-C", directory.path, ...identity, ...args]);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  };
  run("init", "-q", "-b", "main");
  return {
    path: directory.path,
    git: run,
    write: (path: string, text: string) => directory.write(path, text),
    commit(path: string, text: string, message: string) {
      directory.write(path, text);
      run("add", "-f", path);
      run("commit", "-q", "-m", message);
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const RSA_2048 = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
};

/** Textbook addresses that early tests used. They belong to nobody who was asked, but history is not written anew. */
const INVENTED = [["1", "2", "3", "4"].join("."), ["198", "51", "101", "7"].join("."), ["2000", "", ""].join(":")];
