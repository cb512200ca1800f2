// The whole path with the compiled binary: agents that all use the same inner address and port, real services, and the
// books of every agent balanced: each payload comes back to its sender, byte for byte, once.
import { beforeAll, describe, expect, test } from "bun:test";
import { requireBinary } from "../support/binary.ts";
import { type Daemon, startConnector, startRelay } from "../support/daemons.ts";
import { type Echo, openEcho } from "../support/echo-fixture.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import type { Ended } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { figure, testClient } from "../support/test-client.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const AGENTS = 5;
const PAYLOADS = 1000;
const WEB = "10.100.0.1";
const DB = "10.100.0.2";

/** At most 500 a second, of every size from nothing to the largest; few at once, so that a slow machine only slows it. */
const PAYLOAD = ["--payload-size", "0..max", "--repeat", `${PAYLOADS}`, "--delay", "2", "--window", "8"];
const LOAD = ["--agents", `${AGENTS}`, ...PAYLOAD];
const CHECKED = ["--expect-ack", "--verify-echo", "--strict", "--wait", "3000"];

function expectEvenBooks(run: Ended): void {
  const names = ["SENT", "RETURNED", "LOST", "DUPLICATE", "FOREIGN", "CORRUPT"];
  const books = Object.fromEntries(names.map((name) => [name, figure(run, name)]));
  const sent = AGENTS * PAYLOADS;
  const even = { SENT: sent, RETURNED: sent, LOST: 0, DUPLICATE: 0, FOREIGN: 0, CORRUPT: 0 };
  expect({ ...books, stderr: run.stderr }).toEqual({ ...even, stderr: "" });
  expect(run.stdout).toContain("VERIFY_RESULT:PASS\n");
  expect(run.status).toBe(0);
}

/** Everything that came from either side went to the other. */
async function expectNothingDropped(relay: Daemon): Promise<void> {
  const sum = 2 * AGENTS * PAYLOADS;
  for (const hop of ["agent", "connector"]) {
    expect(await relay.total("ztna_hop_datagrams_relayed_total", `hop="${hop}"`)).toBe(sum);
    expect(await relay.total("ztna_dropped_total", `hop="${hop}"`)).toBe(0);
  }
  expect(await relay.total("ztna_dropped_total", 'hop="queue"')).toBe(0);
}

describe.each(["linux", "portable"])("with --io %s", (io) => {
  test("ten agents, two services on one connector: everything comes back to its sender and nothing to others", async () => {
    using cwd = temporaryDirectory();
    using webEcho = await openEcho();
    using dbEcho = await openEcho();
    await using relay = await startRelay({ cwd: cwd.path, flags: ["--io", io] });
    const services = [
      { id: "web", virtualIp: WEB, protocol: "udp", backend: `127.0.0.1:${webEcho.port}` },
      { id: "db", virtualIp: DB, protocol: "udp", backend: `127.0.0.1:${dbEcho.port}` },
    ];
    const config = cwd.write("connector.json", JSON.stringify({ services }));
    await using connector = await startConnector(relay, "web", {
      cwd: cwd.path,
      flags: ["--config", config, "--io", io],
    });
    await connector.process.line(/^registered db$/);

    const client = { port: relay.port, cwd: cwd.path, credential: pki.agentForAll };
    const [web, db] = await Promise.all([
      testClient(client, "--service", "web", "--dst", `${WEB}:9999`, ...LOAD, ...CHECKED),
      testClient(client, "--service", "db", "--dst", `${DB}:9999`, "--routed", ...LOAD, ...CHECKED),
    ]);
    expectEvenBooks(web);
    expectEvenBooks(db);
    expect([webEcho.echoed, dbEcho.echoed]).toEqual([AGENTS * PAYLOADS, AGENTS * PAYLOADS]);
    await expectNothingDropped(relay);
  }, 120_000);
});

test("ten agents, two connectors on one service: each agent keeps to one connector and gets its own answers", async () => {
  using cwd = temporaryDirectory();
  using firstEcho = await openEcho();
  using secondEcho = await openEcho();
  await using relay = await startRelay({ cwd: cwd.path });
  const serve = (echo: Echo) => ["--service", "web", "--service-ip", WEB, "--forward", `127.0.0.1:${echo.port}`];
  const other = await pki.client("second-agents", "agent.web.ztna");
  const run = ["--service", "web", "--dst", `${WEB}:9999`, ...LOAD, ...CHECKED];

  await using _first = await startConnector(relay, "web", {
    cwd: cwd.path,
    flags: serve(firstEcho),
    credential: pki.connector,
  });
  // New agents go to the newest connector: the second comes when the first five are already at work.
  const firstRun = testClient({ port: relay.port, cwd: cwd.path, credential: pki.agent }, ...run);
  await firstEcho.served;
  await using _second = await startConnector(relay, "web", { cwd: cwd.path, flags: serve(secondEcho) });
  const secondRun = testClient({ port: relay.port, cwd: cwd.path, credential: other }, ...run);
  expectEvenBooks(await firstRun);
  expectEvenBooks(await secondRun);
  expect([firstEcho.echoed, secondEcho.echoed]).toEqual([AGENTS * PAYLOADS, AGENTS * PAYLOADS]);
  await expectNothingDropped(relay);
}, 120_000);
