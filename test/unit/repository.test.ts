// What the repository must not hold, checked on every tracked file: keys, real addresses, somebody's paths.
import { describe, expect, test } from "bun:test";
import { hostKeysChecked, noKeyMaterial, noMachinePaths, onlyReservedAddresses } from "../support/hygiene-rules.ts";
import { git, repositoryFiles } from "../support/repository.ts";

const files = repositoryFiles();
const faultsOf = (rule: typeof noKeyMaterial) =>
  files.flatMap((file) => rule(file).map((fault) => `${file.path}: ${fault}`));
const textOf = (path: string) => files.find((file) => file.path === path)?.text;
const check = (rule: typeof noKeyMaterial, text: string, path = "README.md") => rule({ path, text });

describe("no key material is tracked", () => {
  test("in no file", () => {
    expect(faultsOf(noKeyMaterial)).toEqual([]);
  });

  test("and in no file of the history", () => {
    const names = git("log", "--all", "--name-only", "--format=")?.split("\n") ?? [];
    expect(names.filter((path) => path !== "" && noKeyMaterial({ path, text: "" }).length > 0)).toEqual([]);
    const changes = git("log", "--all", "-p", "--format=", "-GPRIVATE KEY-----|MIGHAgEA|MC4CAQAw") ?? "";
    expect(noKeyMaterial({ path: "history", text: changes.replaceAll("\n+", "\n") })).toEqual([]);
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
    expect(check(hostKeysChecked, `ssh -o ${"StrictHostKey"}Checking=no relay`)).toHaveLength(1);
    expect(check(hostKeysChecked, `${"StrictHostKey"}Checking accept-new`)).toEqual([]);
  });
});
