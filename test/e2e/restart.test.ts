// Relays and connectors that are restarted or killed, with the compiled binary: data flows again in time, in the same
// flows, and agents keep their inner addresses. Networks that only wait for one another's outages run side by side.
import { beforeAll, describe, expect, test } from "bun:test";
import { nameOfPayload } from "../../src/agent/numbered-payload.ts";
import type { Ipv4 } from "../../src/wire/address.ts";
import { ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import { encodeUdp, udpDestinationPort, udpPayloadEnd, udpPayloadStart, udpSourcePort } from "../../src/wire/udp.ts";
import { requireBinary } from "../support/binary.ts";
import { type Daemon, freePort, startConnector, startRelay } from "../support/daemons.ts";
import { type Echo, openEcho } from "../support/echo-fixture.ts";
import { LiveAgent } from "../support/live-agent.ts";
import { LiveEnd } from "../support/live-end.ts";
import { type TestCredential, type TestPki, testPki } from "../support/pki.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
/** Of another identity than those of the test PKI. */
let other: { readonly agent: TestCredential; readonly connector: TestCredential };
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
  const agent = await pki.client("other-agent", "agent.*.ztna");
  other = { agent, connector: await pki.client("other-connector", "connector.*.ztna") };
});

const WEB = "10.100.0.1";
const DB = "10.100.0.2";

/** Promised: within this time of the relay being up, or of the connector having gone. */
const BUSY_MS = 2000;
const IDLE_MS = 5000;
const CONNECTOR_MS = 5000;

type End = "SIGTERM" | "SIGKILL";

/** A relay; a connector whose services `web` and `db` are echo services; everything ends with it. */
class Network implements AsyncDisposable {
  readonly echoes: { readonly web: Echo; readonly db: Echo };
  readonly #directory: TemporaryDirectory;
  #relay: Daemon;
  readonly #daemons = new Set<Daemon>();
  readonly #agents = new Set<LiveAgent>();

  static async open(): Promise<Network> {
    const directory = temporaryDirectory();
    const relay = await startRelay({ cwd: directory.path, port: freePort() });
    return new Network(directory, relay, { web: await openEcho(), db: await openEcho() });
  }

  private constructor(directory: TemporaryDirectory, relay: Daemon, echoes: Network["echoes"]) {
    this.#directory = directory;
    this.#relay = relay;
    this.echoes = echoes;
  }

  get relay(): Daemon {
    return this.#relay;
  }

  async startConnector(credential = pki.connectorForAll): Promise<Daemon> {
    const services = [
      { id: "web", virtualIp: WEB, protocol: "udp", backend: `127.0.0.1:${this.echoes.web.port}` },
      { id: "db", virtualIp: DB, protocol: "udp", backend: `127.0.0.1:${this.echoes.db.port}` },
    ];
    const config = this.#directory.write("connector.json", JSON.stringify({ services }));
    const options = { cwd: this.#directory.path, flags: ["--config", config], credential };
    const connector = await startConnector(this.#relay, "web", options);
    this.#daemons.add(connector);
    await connector.process.line(/^registered db$/);
    return connector;
  }

  async startAgent(service: "web" | "db", credential = pki.agentForAll): Promise<LiveAgent> {
    const address = service === "web" ? WEB : DB;
    const agent = await LiveAgent.open({ relay: this.#relay, service, address, credential });
    this.#agents.add(agent);
    return agent;
  }

  /** Ends the relay, and starts it again on its port after a while. Resolves with the moment at which it is up. */
  async restartRelay(end: End, outageMs: number): Promise<number> {
    const { port, process } = this.#relay;
    await process.end(end);
    await Bun.sleep(outageMs);
    this.#relay = await startRelay({ cwd: this.#directory.path, port });
    return performance.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent[Symbol.dispose]();
    await Promise.all([this.#relay, ...this.#daemons].map((daemon) => daemon[Symbol.asyncDispose]()));
    for (const echo of Object.values(this.echoes)) echo.close();
    this.#directory[Symbol.dispose]();
  }
}

function expectSound(agent: LiveAgent): void {
  expect({ duplicates: agent.duplicates, strange: agent.strange }).toEqual({ duplicates: 0, strange: 0 });
}

describe.concurrent("a relay that was away", () => {
  const OUTAGES: readonly (readonly [End, number])[] = [
    ["SIGTERM", 1000],
    ["SIGKILL", 1000],
    ["SIGTERM", 5000],
    ["SIGKILL", 5000],
    ["SIGTERM", 12_000],
    ["SIGKILL", 12_000],
    ["SIGKILL", 30_000],
  ];
  for (const [end, outageMs] of OUTAGES) {
    const what = `${outageMs / 1000} s after ${end}`;
    test(`carries data of busy agents within 2 s, of idle ones within 5 s, in the same flows: ${what}`, async () => {
      await using network = await Network.open();
      await network.startConnector();
      const busy = await network.startAgent("web");
      const idle = await network.startAgent("db", other.agent);
      for (const agent of [busy, idle]) {
        agent.start();
        await agent.flowing();
      }
      idle.stop();

      const up = await network.restartRelay(end, outageMs);
      const busyAgain = busy.flowing();
      // The first word of the idle agent follows its registration: nobody learned earlier that it was needed.
      await idle.end.registered("db", up);
      idle.start();
      const idleAgain = idle.flowing(idle.sent - 1);
      expect((await busyAgain).at - up).toBeLessThan(BUSY_MS);
      expect((await idleAgain).at - up).toBeLessThan(IDLE_MS);
      expect([network.echoes.web.sources.size, network.echoes.db.sources.size]).toEqual([1, 1]);
      expectSound(busy);
      expectSound(idle);
    }, 90_000);
  }

  test("gives every agent the inner address that it had", async () => {
    await using network = await Network.open();
    const seen = new Map<number, Ipv4>();
    using _connector = await LiveEnd.open({
      role: "connector",
      services: ["web"],
      credential: pki.connector,
      relay: network.relay,
      received: (inner) => {
        const name = nameOfPayload(inner.subarray(udpPayloadStart(inner), udpPayloadEnd(inner)));
        if (name !== undefined) seen.set(name.run, ipv4Source(inner));
        return echoOf(inner);
      },
    });
    const credentials = [pki.agent, pki.agentForAll, pki.severalGrants];
    const agents = await Promise.all(credentials.map((credential) => network.startAgent("web", credential)));
    const addresses = async (order: readonly LiveAgent[]) => {
      seen.clear();
      for (const agent of order) {
        const answered = agent.answered();
        agent.start();
        await answered;
        agent.stop();
      }
      return agents.map(({ run }) => seen.get(run));
    };
    const before = await addresses(agents);
    expect(new Set(before).size).toBe(agents.length);
    await network.restartRelay("SIGKILL", 1000);
    // Their first packets come in another order, which must not matter.
    expect(await addresses(agents.toReversed())).toEqual(before);
  }, 60_000);
});

describe.concurrent("a connector that", () => {
  test("is restarted carries data within 5 s", async () => {
    await using network = await Network.open();
    const first = await network.startConnector();
    const agent = await network.startAgent("web");
    agent.start();
    await agent.flowing();
    const gone = performance.now();
    await first.process.end("SIGTERM");
    const from = agent.sent;
    await network.startConnector();
    expect((await agent.flowing(from)).at - gone).toBeLessThan(CONNECTOR_MS);
    expectSound(agent);
  }, 60_000);

  test("is killed and started again carries data within 5 s, though the relay still holds its dead connection", async () => {
    await using network = await Network.open();
    const first = await network.startConnector();
    const agent = await network.startAgent("web");
    agent.start();
    await agent.flowing();
    const gone = performance.now();
    await first.process.end("SIGKILL");
    const from = agent.sent;
    await network.startConnector();
    expect((await agent.flowing(from)).at - gone).toBeLessThan(CONNECTOR_MS);
    expectSound(agent);
  }, 60_000);

  for (const end of ["SIGTERM", "SIGKILL"] as const) {
    test(`is gone after ${end} is replaced by another within 5 s, for busy and for idle agents`, async () => {
      await using network = await Network.open();
      const first = await network.startConnector();
      const busy = await network.startAgent("web");
      const idle = await network.startAgent("db", other.agent);
      for (const agent of [busy, idle]) {
        agent.start();
        await agent.flowing();
      }
      idle.stop();
      // Those that have a connector keep it.
      await network.startConnector(other.connector);
      const gone = performance.now();
      await first.process.end(end);
      const from = busy.sent;
      idle.start();
      const again = await Promise.all([busy.flowing(from), idle.flowing(idle.sent - 1)]);
      for (const { at } of again) expect(at - gone).toBeLessThan(CONNECTOR_MS);
      expect(network.echoes.web.sources.size).toBe(2);
      expectSound(busy);
      expectSound(idle);
    }, 60_000);
  }
});

/** What a connector with an echo service answers. */
function echoOf(inner: Uint8Array): Uint8Array {
  return encodeUdp({
    source: ipv4Destination(inner),
    sourcePort: udpDestinationPort(inner),
    destination: ipv4Source(inner),
    destinationPort: udpSourcePort(inner),
    payload: inner.subarray(udpPayloadStart(inner), udpPayloadEnd(inner)),
  });
}
