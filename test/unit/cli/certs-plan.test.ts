// Plans: a whole PKI from one file, all or nothing.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { readCertificates } from "../../../src/pki/key-material.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { ROOT } from "../../support/repository.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function init(...args: readonly string[]) {
  const terminal = recordingTerminal();
  const status = await main(["certs", "init", ...args], terminal);
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

function namesIn(dir: string, name: string): readonly string[] {
  return readCertificates(join(dir, `${name}.crt`))[0]?.facts.dnsNames ?? [];
}

test("the sample plan issues everything that it describes", async () => {
  using directory = temporaryDirectory();
  const { status } = await init("--plan", join(ROOT, "certs.example/pki.json"), "--dir", directory.path);
  expect(status).toBe(0);
  expect(readdirSync(directory.path)).toHaveLength(12);
  expect(namesIn(directory.path, "relay")).toEqual(["ztna-server", "relay.example.org"]);
  expect(namesIn(directory.path, "connector")).toEqual(["connector.web.ztna", "connector.db.ztna"]);
  expect(namesIn(directory.path, "connector-p2p")).toEqual(["ztna-connector"]);
  expect(namesIn(directory.path, "admin")).toEqual(["agent.*.ztna"]);
});

test("a plan may be YAML, and everything but names has a default", async () => {
  using directory = temporaryDirectory();
  const plan = directory.write("pki.yaml", "certificates:\n  - { name: laptop, kind: client, agent: [web] }\n");
  const dir = join(directory.path, "out");
  expect((await init("--plan", plan, "--dir", dir)).status).toBe(0);
  expect(readdirSync(dir).sort()).toEqual(["ca.key", "ca.pem", "laptop.crt", "laptop.key"]);
});

test("no leaf of a plan outlives its authority", async () => {
  using directory = temporaryDirectory();
  const plan = directory.write("pki.json", '{"ca":{"days":5},"certificates":[{"name":"a","kind":"server"}]}');
  await init("--plan", plan, "--dir", directory.path);
  const [leaf] = readCertificates(join(directory.path, "a.crt"));
  const [ca] = readCertificates(join(directory.path, "ca.pem"));
  expect(leaf?.facts.notAfter).toBe(ca?.facts.notAfter as number);
});

test("nothing is written when one of the files exists", async () => {
  using directory = temporaryDirectory();
  directory.write("out/laptop.key", "mine");
  const plan = directory.write("pki.json", '{"certificates":[{"name":"laptop","kind":"client","agent":["a"]}]}');
  const dir = join(directory.path, "out");
  expect((await init("--plan", plan, "--dir", dir)).status).toBe(1);
  expect(readdirSync(dir)).toEqual(["laptop.key"]);
});

test("a flag that the plan answers itself is refused beside it", async () => {
  using directory = temporaryDirectory();
  const plan = directory.write("pki.json", "{}");
  const { status, stderr } = await init("--plan", plan, "--days", "3", "--dir", directory.path);
  expect(status).toBe(2);
  expect(stderr).toContain("--days does not go with --plan");
});

describe("a wrong plan ends with 3, names the key and makes nothing", () => {
  const client = '"name":"a","kind":"client"';
  const cases: readonly [string, string][] = [
    ['{"certs":[]}', 'unknown key "certs"'],
    [`{"certificates":[{${client},"agnt":["x"]}]}`, 'unknown key "certificates.0.agnt"; did you mean "agent"?'],
    [`{"certificates":[{${client}}]}`, "certificates.0 names no service"],
    [`{"certificates":[{${client},"agent":["x"],"hosts":["h"]}]}`, "certificates.0 is a client certificate"],
    ['{"certificates":[{"name":"a","kind":"server","agent":["x"]}]}', "certificates.0 is a server certificate"],
    [`{"certificates":[{${client},"agent":["X y"]}]}`, 'certificates.0.agent.0 is "X y", but must be a service name'],
    [`{"certificates":[{${client},"agent":["x"],"days":0}]}`, "certificates.0.days"],
    ['{"certificates":[{"name":"../a","kind":"server"}]}', 'certificates.0.name is "../a", but must be'],
    ['{"certificates":[{"name":"ca","kind":"server"}]}', "certificates.0.name"],
    ['{"certificates":[{"name":"a","kind":"server","hosts":["10.0.0.1"]}]}', "certificates.0.hosts.0"],
    ['{"certificates":[{"name":"a","kind":"server","addresses":["h"]}]}', "certificates.0.addresses.0"],
    ['{"certificates":[{"name":"a","kind":"relay"}]}', "certificates.0.kind"],
    ['{"certificates":[{"kind":"server"}]}', "certificates.0.name is missing"],
    ['{"certificates":[{"name":"a","kind":"p2p"},{"name":"a","kind":"p2p"}]}', "certificates holds a name twice"],
    ['{"ca":{"key_type":"dsa"}}', 'ca.key_type is "dsa"'],
    ["[]", "must hold one object"],
    ["{", "pki.json"],
  ];
  test.each(cases)("%s", async (text, words) => {
    using directory = temporaryDirectory();
    const plan = directory.write("pki.json", text);
    const dir = join(directory.path, "out");
    const { status, stderr } = await init("--plan", plan, "--dir", dir);
    expect([status, stderr]).toEqual([3, expect.stringContaining(words)]);
    expect(readdirSync(directory.path)).toEqual(["pki.json"]);
  });
});
