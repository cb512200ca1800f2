// Signals while there is something to do: TERM and INT end a daemon that carries data in good order, also in a flood of
// packets; HUP replaces the relay's certificate without costing one payload.
import { beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { PURPOSE_OIDS } from "../../src/identity/leaf-policy.ts";
import { requireBinary } from "../support/binary.ts";
import { type Daemon, startConnector, startRelay } from "../support/daemons.ts";
import { openEcho } from "../support/echo-fixture.ts";
import { LiveAgent } from "../support/live-agent.ts";
import type { LiveEvent } from "../support/live-end.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { source, startProcess } from "../support/process.ts";
import { replaceableFiles, serialShown } from "../support/relay-certificate.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const WEB = "10.100.0.1";
const AGENTS = 5;
/** Promised: a daemon that was asked to end is gone within this time. */
const DRAIN_MS = 3000;
/** How long a signal may wait for its turn. */
const ACT_MS = 1000;
/** Between the payloads of one agent. */
const PACE_MS = 4;
const TEST_MS = 60_000;

/** A relay, a connector with an echo service, and agents that keep it busy. */
async function busyNetwork(options: { readonly agents: number; readonly relayFlags?: readonly string[] }) {
  const owned = new AsyncDisposableStack();
  const cwd = owned.use(temporaryDirectory()).path;
  const echo = owned.use(await openEcho());
  const relay = owned.use(await startRelay({ cwd, flags: options.relayFlags ?? [] }));
  const flags = ["--service", "web", "--service-ip", WEB, "--forward", `127.0.0.1:${echo.port}`];
  const connector = owned.use(await startConnector(relay, "web", { cwd, flags }));
  const agents: LiveAgent[] = [];
  for (let n = 0; n < options.agents; n++) {
    const place = { relay, service: "web", address: WEB, source: `100.64.0.${n + 1}` };
    agents.push(owned.use(await LiveAgent.open({ ...place, credential: pki.agent })));
  }
  for (const agent of agents) agent.start(PACE_MS);
  await Promise.all(agents.map((agent) => agent.flowing()));
  return { relay, connector, agents, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function hasDisconnected({ event }: LiveEvent): boolean {
  return event.type === "disconnected";
}

/** How long it takes to act on a signal, and to end. */
async function endedBy(signal: NodeJS.Signals, { process }: Daemon, acts: RegExp) {
  const asked = performance.now();
  process.signal(signal);
  await process.line(acts);
  const acted = performance.now() - asked;
  const { status } = await process.ended;
  return { status, acted, over: performance.now() - asked };
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(
    `${signal} in the midst of traffic: the relay says why it goes, to everybody, and ends with 0 in time`,
    async () => {
      await using network = await busyNetwork({ agents: AGENTS });
      const { relay, connector, agents } = network;
      const gone = agents.map((agent) => agent.end.event(hasDisconnected));
      const { status, over } = await endedBy(signal, relay, / draining /);
      expect({ status, inTime: over < DRAIN_MS }).toEqual({ status: 0, inTime: true });
      const goodbye = { by: "peer", layer: "application", code: 0, reason: "server shutting down" };
      for (const { event } of await Promise.all(gone)) expect(event).toMatchObject(goodbye);
      await connector.process.line(/ relay-unavailable reason="server shutting down"/);
      for (const agent of agents) expect({ strange: agent.strange, duplicates: agent.duplicates }).toEqual(NOTHING);
    },
    TEST_MS,
  );

  test(
    `${signal} in the midst of traffic: the connector says goodbye to the relay and ends with 0 in time`,
    async () => {
      await using network = await busyNetwork({ agents: 1 });
      const { status, over } = await endedBy(signal, network.connector, / stopping /);
      expect({ status, inTime: over < DRAIN_MS }).toEqual({ status: 0, inTime: true });
      await network.relay.process.line(/ unregistered service=web /);
    },
    TEST_MS,
  );
}

describe("HUP", () => {
  test(
    "replaces the certificate, or keeps the old one when a file is broken, and no payload is lost",
    async () => {
      using files = replaceableFiles(pki.server);
      await using network = await busyNetwork({ agents: 2, relayFlags: files.args });
      const { relay, agents } = network;
      const first = await serialShown(relay.port);
      files.install(
        await pki.craft("successor", { dnsNames: ["ztna-server"], extendedKeyUsages: [PURPOSE_OIDS.server] }),
      );
      await reloaded(relay, / reloaded serial=/);
      const second = await serialShown(relay.port);
      expect(second).not.toBe(first);
      await progress(agents, 250);

      const failures = () => relay.total("ztna_reload_failures_total");
      expect(await failures()).toBe(0);
      writeFileSync(files.key, "no key\n");
      await reloaded(relay, / reload-failed /);
      expect(await serialShown(relay.port)).toBe(second);
      // Long enough for the daemon's own look at its files, which must not count the same mistake again.
      await progress(agents, 600);
      expect(await failures()).toBe(1);
      expect(await relay.total("ztna_reloads_total")).toBe(1);

      for (const agent of agents) {
        expect({ lost: await agent.settled(), gone: agent.end.events.some(hasDisconnected) }).toEqual(UNHARMED);
        expect(agent.sent).toBeGreaterThan(500);
      }
    },
    TEST_MS,
  );
});

test(
  "a flood of packets does not keep the relay from acting on TERM",
  async () => {
    await using network = await busyNetwork({ agents: 1, relayFlags: ["--io", "linux"] });
    const { relay } = network;
    await using flood = startProcess(source("test/support/flood.ts", String(relay.port)));
    await flood.line(/^flooding$/);
    const before = await relay.total("ztna_packets_received_total");
    while ((await relay.total("ztna_packets_received_total")) < before + FLOODED) await Bun.sleep(1);
    const { status, acted, over } = await endedBy("SIGTERM", relay, / draining /);
    expect({ status, acts: acted < ACT_MS, inTime: over < DRAIN_MS }).toEqual({ status: 0, acts: true, inTime: true });
    expect(flood.stderr).toBe("");
  },
  TEST_MS,
);

async function reloaded({ process }: Daemon, says: RegExp): Promise<void> {
  process.signal("SIGHUP");
  await process.line(says);
}

/** Resolves when each agent has had an answer to as many payloads more. */
async function progress(agents: readonly LiveAgent[], payloads: number): Promise<void> {
  await Promise.all(agents.map((agent) => agent.answered(agent.sent + payloads)));
}

const NOTHING = { strange: 0, duplicates: 0 };
const UNHARMED = { lost: 0, gone: false };
const FLOODED = 50_000;
