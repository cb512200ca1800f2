// `ztna status` of running daemons: what it shows of each, how they are told apart, and that only their owner is told.
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { connectUnderTest, serveUnderTest } from "../support/daemon-under-test.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { testUnless, withoutProgram, withoutRoot } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

/** A directory for control sockets, and what `ztna status` makes of it. */
function controlPlace() {
  const place = temporaryDirectory();
  const directory = join(place.path, "control");
  const status = (...flags: readonly string[]) => runProcess([BINARY, "status", "--control-dir", directory, ...flags]);
  const daemons = async () => JSON.parse((await status("--json")).stdout).daemons;
  const flags = ["--control-dir", directory];
  return { directory, flags, status, daemons, [Symbol.dispose]: () => place[Symbol.dispose]() };
}

/** An agent's datagram to a service. */
async function sendTo(relayPort: number, service: string): Promise<void> {
  const { certFile, keyFile } = pki.agentForAll;
  const credentials = ["--client-cert", certFile, "--client-key", keyFile, "--ca-cert", pki.ca.certFile];
  const what = ["--service", service, "--routed", "--dst", "10.100.0.1:7", "--send-udp", "hello"];
  const server = ["--server", `127.0.0.1:${relayPort}`, "--server-name", "ztna-server"];
  await runProcess([BINARY, "test-client", ...server, ...credentials, ...what]);
}

test("two connectors of a host, each with its services, backends and what became of them", async () => {
  using place = controlPlace();
  using files = temporaryDirectory();
  await using relay = await serveUnderTest(pki);
  const services = ["web", "db"].map((id) => ({ id, backend: "127.0.0.1:9" }));
  const config = files.write("connector.json", JSON.stringify({ services }));
  const flags = ["--config", config, ...place.flags];
  await using refused = await connectUnderTest(pki, relay.port, flags, pki.connector);
  await refused.line(/registration-denied/);
  await refused.line(/^registered web$/);
  const lab = ["--service", "lab", "--service-ip", "10.100.0.1", "--forward", "127.0.0.1:9"];
  await using ready = await connectUnderTest(pki, relay.port, [...lab, ...place.flags]);
  await ready.line(/^registered lab$/);
  await sendTo(relay.port, "lab");
  await ready.line(/backend-unavailable/);

  const { status, stdout } = await place.status();
  expect(status).toBe(7);
  expect(stdout).toContain(`process ${refused.pid}, `);
  expect(stdout).toContain("not ready: not registered: db (not-granted)");
  expect(stdout).toContain("lab  10.100.0.1       registered, to 127.0.0.1:9, which failed last: refused");

  const daemons = await place.daemons();
  const [first, second] = [refused, ready].map(({ pid }) => daemons.find((one: { pid: number }) => one.pid === pid));
  expect(first).toMatchObject({
    command: "connect",
    relay: { server: `127.0.0.1:${relay.port}` },
    services: [
      { service: "web", connection: "connected", state: "registered", backend_failure: null },
      { service: "db", state: "denied", reason: "not-granted", backends: ["127.0.0.1:9"] },
    ],
  });
  expect(second).toMatchObject({ not_ready: null, backend_failures: { refused: 1 }, tcp_sessions: 0 });
  expect(second.credentials.map(({ certificate }: { certificate: string }) => certificate)).toEqual(["client", "ca"]);

  await refused.end();
  expect((await place.daemons()).map(({ pid }: { pid: number }) => pid)).toEqual([ready.pid]);
  expect((await place.status()).status).toBe(0);
  await ready.end();
  expect(readdirSync(place.directory)).toEqual([]);
  expect((await place.status()).status).toBe(1);
});

test("a directory that others can reach gets no socket: that is said once, and the daemon serves", async () => {
  using place = controlPlace();
  using open = temporaryDirectory();
  chmodSync(open.path, 0o755);
  await using relay = await serveUnderTest(pki);
  const flags = ["--service", "lab", "--forward", "127.0.0.1:9", "--control-dir", open.path];
  await using connector = await connectUnderTest(pki, relay.port, flags);
  await connector.line(/ no-status .*0700/);
  await connector.line(/^registered lab$/);
  expect(readdirSync(open.path)).toEqual([]);
  expect((await place.status()).status).toBe(1);
});

test("a relay beside its connector: where it listens, who is there, what was relayed and what dropped and why", async () => {
  using place = controlPlace();
  await using relay = await serveUnderTest(pki, place.flags);
  const lab = ["--service", "lab", "--service-ip", "10.100.0.1", "--forward", "127.0.0.1:9"];
  await using connector = await connectUnderTest(pki, relay.port, [...lab, ...place.flags]);
  await connector.line(/^registered lab$/);
  await sendTo(relay.port, "lab");
  await connector.line(/backend-unavailable/);
  await sendTo(relay.port, "nobody");
  await relay.line(/ unregistered .*service=nobody/);

  const text = await place.status();
  expect(text.status).toBe(0);
  expect(text.stdout).toContain(`process ${connector.pid}, `);
  expect(text.stdout).toMatch(
    new RegExp(`ztna serve \\S+, process ${relay.pid}, up .*, ready\n  listening +127.0.0.1:${relay.port}\n`),
  );
  expect(text.stdout).toContain("1 of agent: no-connector");

  const shown = (await place.daemons()).find(({ command }: { command: string }) => command === "serve");
  expect(shown).toMatchObject({
    pid: relay.pid,
    not_ready: null,
    listening: [`127.0.0.1:${relay.port}`],
    connections: { agents: 0, connectors: 1, half_open: 0 },
    services: [{ service: "lab", connectors: 1, agents: 0, denied: 0 }],
    service_count: 1,
  });
  expect(shown.datagrams_relayed).toBeGreaterThanOrEqual(1);
  expect(shown.credentials).toMatchObject([{ certificate: "server" }, { certificate: "ca" }]);
  expect(statSync(place.directory).mode & 0o777).toBe(0o700);

  await relay.end();
  expect((await place.daemons()).map(({ pid }: { pid: number }) => pid)).toEqual([connector.pid]);
});

test("a daemon that was killed is gone from the list, and the next one clears its socket away", async () => {
  using place = controlPlace();
  await using killed = await serveUnderTest(pki, place.flags);
  await killed.end("SIGKILL");
  expect((await place.status()).stderr).not.toContain("tells nothing");
  await using relay = await serveUnderTest(pki, place.flags);
  expect(readdirSync(place.directory)).toEqual([`serve-${relay.pid}.sock`]);
});

const needsOtherUser = testUnless(withoutRoot(), withoutProgram("setpriv"));
needsOtherUser("a directory that somebody else made tells this user nothing, whatever is in it", async () => {
  using place = temporaryDirectory();
  chmodSync(place.path, 0o755);
  const path = join(place.path, "serve-1.sock");
  const asked: unknown[] = [];
  const forger = createServer((client) => {
    asked.push(client);
    client.end("{}");
  });
  await new Promise<void>((resolve) => forger.listen(path, resolve));
  chmodSync(path, 0o777);
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  // Nobody may not write to the test run's own directory, which is what TMPDIR names.
  const here = { cwd: place.path, env: { TMPDIR: undefined } };
  const { status, stderr } = await runProcess([...nobody, BINARY, "status", "--control-dir", place.path], here);
  await new Promise((resolve) => forger.close(resolve));
  expect([status, stderr]).toEqual([1, expect.stringContaining("belongs to somebody else")]);
  expect(asked).toEqual([]);
});
