// The doctor's judgements, row by row, and the exit code that they amount to.
import { expect, test } from "bun:test";
import { exitCodeOf } from "../../../src/cli/doctor.ts";
import { fileRows } from "../../../src/cli/doctor-files.ts";
import {
  judgeBuffers,
  judgeClock,
  judgeEnvironment,
  judgeFamilies,
  judgeOffload,
  judgeTemporaryDirectory,
  judgeTun,
  temporaryDirectoryFault,
} from "../../../src/cli/doctor-host.ts";
import { judgeHandshake, judgeName, judgePath, judgeReach } from "../../../src/cli/doctor-relay.ts";
import { failure, ok, type Row, warning } from "../../../src/cli/doctor-row.ts";
import { main } from "../../../src/cli/main.ts";
import { testPki } from "../../support/pki.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 15);
const FULL = { receiveBufferBytes: 4_194_304, sendBufferBytes: 4_194_304, receiveOffload: true, sendOffload: true };
const RELAY = { host: "relay.example.org", port: 4433 };
const unreachable = (row: Row): Row => ({ ...row, unreachable: true });

const statusOf = ({ status, remedy, detail }: Row) => {
  expect(remedy === undefined).toBe(status === "ok");
  expect(detail).toMatch(/\S/);
  return status;
};

test("0 when all is well, 7 with a warning, 5 when only the relay is out of reach, 1 for every other failure", () => {
  const [good, warned, failed] = [ok("a", "b"), warning("a", "b", "c"), failure("a", "b", "c")];
  expect(exitCodeOf([good])).toBe(0);
  expect(exitCodeOf([good, warned])).toBe(7);
  expect(exitCodeOf([warned, unreachable(failed)])).toBe(5);
  expect(exitCodeOf([unreachable(failed), failed])).toBe(1);
});

test("a clock behind the program or decades ahead of it is implausible", () => {
  expect(statusOf(judgeClock(NOW, NOW - DAY_MS))).toBe("ok");
  expect(statusOf(judgeClock(NOW, NOW + DAY_MS / 2))).toBe("ok");
  expect(statusOf(judgeClock(NOW, NOW + 2 * DAY_MS))).toBe("failure");
  expect(statusOf(judgeClock(NOW, 0))).toBe("ok");
  expect(statusOf(judgeClock(0, 0))).toBe("failure");
  expect(statusOf(judgeClock(NOW + 60 * 365 * DAY_MS, NOW))).toBe("failure");
});

test("buffers that the kernel cut down are a warning that names the settings", () => {
  expect(statusOf(judgeBuffers(FULL))).toBe("ok");
  expect(statusOf(judgeBuffers({ ...FULL, sendBufferBytes: 212_992 }))).toBe("warning");
  expect(judgeBuffers({ ...FULL, receiveBufferBytes: 212_992 }).remedy).toContain("net.core.rmem_max=4194304");
  expect(statusOf(judgeBuffers(undefined))).toBe("warning");
});

test("each direction without batches is named", () => {
  expect(statusOf(judgeOffload(FULL))).toBe("ok");
  expect(judgeOffload({ ...FULL, sendOffload: false }).detail).toContain("to send (GSO):");
  expect(judgeOffload({ ...FULL, receiveOffload: false }).detail).toContain("to receive (GRO):");
  expect(statusOf(judgeOffload(undefined))).toBe("warning");
});

test("a TUN device that cannot be had is a warning, because the agent can do without", () => {
  expect(statusOf(judgeTun("usable"))).toBe("ok");
  for (const state of ["missing", "denied", "not-privileged"] as const) {
    expect(statusOf(judgeTun(state))).toBe("warning");
    expect(judgeTun(state).remedy).toContain("rootless");
  }
});

test("a host without an address of its own is a warning", () => {
  expect(
    judgeFamilies([
      { family: "IPv6", internal: false },
      { family: "IPv4", internal: false },
    ]),
  ).toEqual(ok("addresses", "IPv4 and IPv6"));
  expect(statusOf(judgeFamilies([{ family: "IPv4", internal: true }]))).toBe("warning");
});

test("variables that change a compiled program are a warning", () => {
  expect(statusOf(judgeEnvironment({ PATH: "/bin" }))).toBe("ok");
  for (const name of ["BUN_OPTIONS", "BUN_BE_BUN"]) {
    expect(judgeEnvironment({ [name]: "" })).toMatchObject({ status: "warning", remedy: `unset ${name}` });
  }
});

test("a temporary directory that cannot be used is a failure", () => {
  using directory = temporaryDirectory();
  expect(temporaryDirectoryFault(directory.path)).toBeUndefined();
  expect(temporaryDirectoryFault(`${directory.path}/gone`)).toBe("cannot be written to (ENOENT)");
  expect(statusOf(judgeTemporaryDirectory("/tmp", undefined))).toBe("ok");
  expect(statusOf(judgeTemporaryDirectory("/tmp", "is full"))).toBe("failure");
});

test("credential files are judged as the daemons judge them", async () => {
  const pki = await testPki();
  const pair = (one: { certFile: string; keyFile: string }) => ({ certificate: one.certFile, key: one.keyFile });
  const rows = (files: Partial<Parameters<typeof fileRows>[0]>, now = Date.now()) =>
    fileRows({ caCert: undefined, server: undefined, client: undefined, allowOpenKeys: false, ...files }, now);
  const good = rows({ caCert: pki.ca.certFile, server: pair(pki.server), client: pair(pki.agent) });
  expect(good.map(({ check }) => check)).toEqual(["ca", "server-certificate", "client-certificate"]);
  const far = good.filter(({ detail }) => !/ (?:\d|[12]\d) days$/.test(detail));
  for (const row of far) expect(statusOf(row)).toBe("ok");
  expect(rows({ client: pair(pki.server) })[0]).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("is no client certificate"),
    remedy: "issue one with ztna certs issue",
  });
  expect(rows({ caCert: pki.agent.certFile })[0]).toMatchObject({ check: "ca", status: "failure" });
  expect(rows({ server: pair(pki.badServers.expired) })[0]).toMatchObject({ status: "failure", remedy: "renew it" });
  using directory = temporaryDirectory();
  const open = directory.write("open.key", pki.agent.keyPem, 0o644);
  const group = directory.write("group.key", pki.agent.keyPem, 0o640);
  const withKey = (key: string) => rows({ client: { certificate: pki.agent.certFile, key } })[0];
  expect(withKey(open)).toMatchObject({ status: "failure", remedy: expect.stringContaining("chmod 600") });
  expect(withKey(group)).toMatchObject({ status: "warning", remedy: expect.stringContaining("chmod 600") });
});

test("a name without an address and a relay that does not answer are both out of reach", () => {
  expect(judgeName("relay.example.org", ["192.0.2.1", "2001:db8::1"])).toEqual(
    ok("dns", "relay.example.org is 192.0.2.1, 2001:db8::1"),
  );
  expect(judgeName("x.invalid", "ENOTFOUND")).toMatchObject({ status: "failure", unreachable: true });
  for (const outcome of ["silent", "refused"] as const) {
    expect(judgeReach(RELAY, { outcome }, false)).toMatchObject({ status: "failure", unreachable: true });
    expect(statusOf(judgeReach(RELAY, { outcome }, true))).toBe("ok");
  }
  expect(judgeReach(RELAY, { outcome: "silent" }, false).detail).toContain("UDP is blocked");
  expect(judgeReach(RELAY, { outcome: "unsendable", detail: "EPERM" }, false).detail).toContain("(EPERM)");
  expect(statusOf(judgeReach(RELAY, { outcome: "answered", rttMs: 1, largest: 1200 }, false))).toBe("ok");
});

test("the largest datagram that arrives is that of the path, not that of the library", () => {
  const path = (largest: number) => judgePath({ outcome: "answered", rttMs: 1, largest }, 1306)[0] as Row;
  expect(path(1452)).toEqual(
    ok("datagram", "packets of 1452 bytes reach the relay; datagrams up to 1306 bytes arrive"),
  );
  expect(statusOf(path(1350))).toBe("ok");
  expect(statusOf(path(1320))).toBe("warning");
  expect(path(1232).detail).toContain("datagrams up to 1188 bytes arrive, larger ones are lost");
  expect(judgePath({ outcome: "silent" }, 1306)).toEqual([]);
});

test("a handshake that fails says why and what to do, after it as well", () => {
  expect(statusOf(judgeHandshake({ handshake: { done: true, us: 2000 } }))).toBe("ok");
  expect(judgeHandshake({ handshake: { done: false, reason: "unknown-ca", detail: "not ours" } })).toEqual(
    failure("handshake", "failed: not ours", "check --ca-cert here and on the relay"),
  );
  expect(judgeHandshake({ handshake: { done: false, reason: "unreachable" } }).unreachable).toBe(true);
  const closed = { by: "peer", layer: "transport", code: 0x174, reason: "" } as const;
  expect(judgeHandshake({ handshake: { done: true }, closed })).toEqual(
    failure("handshake", "the relay closed the connection: no-client-cert", "give --client-cert and --client-key"),
  );
  expect(judgeHandshake({ fault: "x is missing" })).toMatchObject({ status: "failure", detail: "x is missing" });
});

test("half a pair of files is a usage error", async () => {
  const terminal = recordingTerminal();
  expect(await main(["doctor", "--cert", "a.crt"], terminal)).toBe(2);
  expect(terminal.stderr).toContain("--cert and --key belong together");
  expect(await main(["doctor", "--client-key", "a.key"], recordingTerminal())).toBe(2);
});
