// `ztna agent` towards its relay, without a device: how it ends, what it waits for, what it takes while it runs.
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { freePort, launchAgent, startAgent, startConnector, startRelay } from "../support/daemons.ts";
import { type TestCredential, type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { REFERENCE_AGENT } from "../support/reference-files.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const WEB = "web=10.100.0.2";
const PORTS = ["--listen", "0=web:80"];

describe("before its first success", () => {
  const cases: [string, (pki: TestPki) => TestCredential, readonly string[], RegExp][] = [
    ["a certificate of a strange CA", ({ badClients }) => badClients.wrongCa, [], /its own CA with --client-cert/],
    ["another name than the relay's", ({ agent }) => agent, ["--server-name", "other.example.org"], /name/],
  ];
  for (const [what, credential, more, sentence] of cases) {
    test(`with ${what} it ends with 4 and says what to do`, async () => {
      using cwd = temporaryDirectory();
      await using relay = await startRelay({ cwd: cwd.path });
      const options = { cwd: cwd.path, credential: credential(pki), flags: [...PORTS, ...more] };
      const agent = await launchAgent(relay, [WEB], options);
      const { status, stderr } = await agent.ended;
      expect([status, stderr.trim().split("\n").at(-1)]).toEqual([4, expect.stringMatching(sentence)]);
    });
  }

  test("a relay that is not there yet is waited for, and a signal ends the wait with 0", async () => {
    using cwd = temporaryDirectory();
    const port = freePort();
    await using agent = await launchAgent({ port }, [WEB], { cwd: cwd.path, flags: PORTS });
    await agent.line(/^listening 0\.0\.0\.0:/);
    await using _relay = await startRelay({ cwd: cwd.path, port });
    await agent.line(/^registered web$/, { timeoutMs: 20_000 });
    expect((await agent.end("SIGTERM")).status).toBe(0);
  }, 60_000);
});

test("HUP takes new credentials without losing the relay; broken ones are refused with the old in force", async () => {
  using cwd = temporaryDirectory();
  await using relay = await startRelay({ cwd: cwd.path });
  await using _connector = await startConnector(relay, "web", {
    cwd: cwd.path,
    flags: ["--service", "web", "--forward", "127.0.0.1"],
  });
  const own = { ...pki.agent, certFile: join(cwd.path, "a.crt"), keyFile: join(cwd.path, "a.key") };
  copyFileSync(pki.agent.certFile, own.certFile);
  copyFileSync(pki.agent.keyFile, own.keyFile);
  await using agent = await startAgent(relay, WEB, { cwd: cwd.path, credential: own, flags: PORTS });
  agent.process.signal("SIGHUP");
  await agent.process.line(/ reloaded serial=/);
  await Bun.write(own.keyFile, "no key\n");
  await agent.process.line(/ reload-failed /);
  expect(await agent.total("ztna_agent_reconnections_total")).toBe(0);
  expect(await agent.total("ztna_service_registration", 'state="registered"')).toBe(1);
});

test("--check takes the reference's file and starts nothing; what is wrong is named", async () => {
  using cwd = temporaryDirectory();
  copyFileSync(pki.ca.certFile, join(cwd.path, "ca.pem"));
  cwd.write("agent.json", REFERENCE_AGENT);
  const check = (...args: readonly string[]) => runProcess([BINARY, "agent", "--check", ...args], { cwd: cwd.path });
  const fine = await check();
  expect([fine.status, fine.stderr]).toEqual([0, "ztna: options, files and credentials are in order\n"]);
  const gone = await check("--ca-cert", "gone.pem");
  expect([gone.status, gone.stderr]).toEqual([4, expect.stringContaining("gone.pem does not exist")]);
  cwd.write("agent.json", REFERENCE_AGENT.replace("serverHost", "server_host"));
  const unknown = await check();
  expect([unknown.status, unknown.stderr]).toEqual([3, expect.stringContaining('did you mean "serverHost"')]);
});
