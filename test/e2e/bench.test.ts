// `ztna bench` as a user runs it: against a real relay and connector, with a user's credentials and never without.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { BINARY } from "../support/binary.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { startWebService, type WebService } from "../support/web-service.ts";

let pki: TestPki;
let web: WebService;
beforeAll(async () => {
  pki = await testPki();
  web = await startWebService();
});
afterAll(() => web[Symbol.asyncDispose]());

function credentials(): string[] {
  const { certFile, keyFile } = pki.agent;
  return ["--client-cert", certFile, "--client-key", keyFile, "--ca-cert", pki.ca.certFile];
}

function bench(...flags: readonly string[]) {
  const server = ["--server", `127.0.0.1:${web.relay.port}`, "--server-name", "ztna-server"];
  return runProcess([BINARY, "bench", ...server, ...flags], { cwd: web.cwd });
}

test("says how long packets take, idle and under load, and how many are lost", async () => {
  const load = ["--service", "web", "--rate", "200", "--seconds", "1"];
  const { stdout, stderr, status } = await bench(...load, ...credentials());
  expect([stderr, status]).toEqual(["", 0]);
  expect(stdout).toMatch(/^round trip of 1000-byte packets, one at a time: p50 \d+\.\d\d ms, p99 \d+\.\d\d ms\n/);
  expect(stdout).toMatch(/\nat \d+ per second: p50 .* lost\n/);
});

test("--json has the figures, and what was sent is what came back, was lost or was held back", async () => {
  const load = ["--service", "web", "--rate", "300", "--seconds", "1", "--json"];
  const { stdout, status } = await bench(...load, ...credentials());
  const { schema_version, idle, load: loaded } = JSON.parse(stdout);
  expect([status, schema_version, idle.sent, loaded.sent + loaded.heldBack]).toEqual([0, 1, 50, 300]);
  expect(idle.returned).toBeGreaterThan(0);
  expect(await web.relay.total("ztna_hop_datagrams_relayed_total", 'hop="agent"')).toBeGreaterThan(0);
});

test("without credentials nothing is sent", async () => {
  const { stderr, status } = await bench("--service", "web", "--ca-cert", pki.ca.certFile);
  expect([stderr, status]).toEqual(["ztna: who are we? Give --client-cert and --client-key\n", 2]);
});

test("a service that our certificate does not grant ends it with 6", async () => {
  const { stderr, status } = await bench("--service", "db", ...credentials());
  expect([stderr, status]).toEqual(["ztna: the relay does not let us use db: not-granted\n", 6]);
});

test("a rate, a length or a size beyond the bounds is a usage error", async () => {
  for (const flags of [
    ["--rate", "20001"],
    ["--seconds", "61"],
    ["--bytes", "35"],
  ]) {
    expect((await bench("--service", "web", ...flags, ...credentials())).status).toBe(2);
  }
});
