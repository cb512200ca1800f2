// The doctor as a compiled program, beside a relay that is well, one that is not there, and credentials that do not fit.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { BINARY, requireBinary } from "../support/binary.ts";
import { type Daemon, startRelay } from "../support/daemons.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Document {
  readonly schema_version: number;
  readonly status: number;
  readonly rows: readonly { readonly check: string; readonly status: string; readonly detail: string }[];
}

const directory = temporaryDirectory();
let pki: TestPki;
let relay: Daemon;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
  relay = await startRelay({ cwd: directory.path });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function doctor(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const clean = { BUN_OPTIONS: undefined, BUN_BE_BUN: undefined, ...env };
  const ended = await runProcess([BINARY, "doctor", "--json", ...args], { cwd: directory.path, env: clean });
  const document = JSON.parse(ended.stdout) as Document;
  expect([document.schema_version, document.status]).toEqual([1, ended.status as number]);
  const of = (check: string) => document.rows.find((row) => row.check === check);
  return { status: ended.status, rows: document.rows, of };
}

const own = () => [
  "--ca-cert",
  pki.ca.certFile,
  "--client-cert",
  pki.agent.certFile,
  "--client-key",
  pki.agent.keyFile,
];
const at = (port: number) => ["--server", `127.0.0.1:${port}`, "--server-name", "ztna-server"];

test("a relay that is well and credentials that fit are ok in every row, with 0, or 7 where the host could do better", async () => {
  const { status, rows, of } = await doctor([...at(relay.port), ...own()]);
  expect(rows.filter((row) => row.status === "failure")).toEqual([]);
  expect(status).toBe(rows.some((row) => row.status === "warning") ? 7 : 0);
  for (const check of ["dns", "udp", "datagram", "handshake", "clock", "tmpdir", "environment"]) {
    expect(of(check)).toMatchObject({ status: "ok" });
  }
  expect(of("datagram")?.detail).toMatch(/datagrams up to 1[23]\d\d bytes arrive/);
});

test("without a relay only that is wrong: 5", async () => {
  const gone = await startRelay({ cwd: directory.path });
  await gone[Symbol.asyncDispose]();
  const { status, of } = await doctor([...at(gone.port), ...own()]);
  expect(status).toBe(5);
  expect(of("udp")?.detail).toContain("nothing listens there");
});

test("a name that does not exist is out of reach too: 5", async () => {
  const { status, of } = await doctor(["--server", "relay.invalid"]);
  expect([status, of("dns")?.status]).toEqual([5, "failure"]);
});

test("another authority's relay is a failure of its own: 1", async () => {
  const { status, of } = await doctor([...at(relay.port), "--ca-cert", pki.otherCa.certFile]);
  expect([status, of("udp")?.status, of("handshake")?.status]).toEqual([1, "ok", "failure"]);
});

test("a relay that wants a certificate and is shown none says so: 1", async () => {
  const { status, of } = await doctor([...at(relay.port), "--ca-cert", pki.ca.certFile]);
  expect(status).toBe(1);
  expect(of("handshake")?.detail).toContain("no-client-cert");
});

test("variables that change the program are seen", async () => {
  const { status, of } = await doctor([], { BUN_OPTIONS: "--smol" });
  expect([status, of("environment")?.status]).toEqual([7, "warning"]);
});

test("a temporary directory that is not there is one row, not the end: 1", async () => {
  const { status, of } = await doctor([...at(relay.port), ...own()], { TMPDIR: "/nonexistent" });
  expect([status, of("tmpdir")?.status]).toEqual([1, "failure"]);
  expect(of("handshake")?.status).toBe("failure");
});

test("the rows are for people too", async () => {
  const { stdout, stderr } = await runProcess([BINARY, "doctor"], { cwd: directory.path });
  expect(stdout).toMatch(/^(?:ok {2}|WARN|FAIL) {2}clock +20\d\d-/m);
  expect(stderr).toBe("Next: ztna doctor --server HOST:PORT checks the way to a relay.\n");
});
