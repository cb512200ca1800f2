// `--congestion` of the compiled programs, seen from outside: on a path that loses one packet in twenty, a sender that
// slows down for every loss gets little of a burst through before the rest is late.
import { beforeAll, expect, test } from "bun:test";
import { BINARY, requireBinary } from "../support/binary.ts";
import { startConnector, startRelay } from "../support/daemons.ts";
import { Impairer } from "../support/impairer.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { testClient } from "../support/test-client.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const BURST = 4000;
const SERVICE_IP = "10.100.0.1";
const LOSSY = { loss: 0.05, delayMs: 10 };

/** How many datagrams of a burst reach the relay from a test client on a bad path, and the connector from the relay. */
async function arrived(congestion: string): Promise<{ atRelay: number; atConnector: number }> {
  using cwd = temporaryDirectory();
  const flags = ["--congestion", congestion];
  await using relay = await startRelay({ cwd: cwd.path, flags });
  const path = { listen: { host: "127.0.0.1", port: 0 }, target: { host: "127.0.0.1", port: relay.port } };
  await using impairer = await Impairer.start({ paths: { agent: path, connector: path } });
  const service = ["--service", "lab", "--service-ip", SERVICE_IP, "--forward", "127.0.0.1:9"];
  const dialled = { port: impairer.port("connector") };
  await using connector = await startConnector(dialled, "lab", { cwd: cwd.path, flags: [...flags, ...service] });
  const run = async (port: number) => {
    const client = { port, cwd: cwd.path, credential: pki.agentForAll };
    const burst = ["--payload-size", "1000", "--burst", `${BURST}`, "--wait", "1000"];
    const ended = await testClient(client, ...flags, "--service", "lab", "--dst", `${SERVICE_IP}:9`, ...burst);
    expect(ended.stderr).toBe("");
  };
  await impairer.set(LOSSY, { path: "agent" });
  await run(impairer.port("agent"));
  const atRelay = await relay.total("ztna_hop_datagrams_received_total", 'hop="agent"');
  await impairer.set(LOSSY, { path: "connector" });
  const before = await connector.total("ztna_connector_received_packets_total");
  await run(relay.port);
  return { atRelay, atConnector: (await connector.total("ztna_connector_received_packets_total")) - before };
}

test("test-client and serve send as they are told: bbr carries several times as much as cubic on a lossy path", async () => {
  const bbr = await arrived("bbr");
  const cubic = await arrived("cubic");
  expect(cubic.atRelay).toBeGreaterThan(0);
  expect(cubic.atConnector).toBeGreaterThan(0);
  expect(bbr.atRelay).toBeGreaterThan(2 * cubic.atRelay);
  expect(bbr.atConnector).toBeGreaterThan(2 * cubic.atConnector);
}, 60_000);

test.each(["serve", "connect", "agent", "test-client", "bench"])(
  "%s refuses a controller that it does not know",
  async (command) => {
    const { status, stderr } = await runProcess([BINARY, command, "--congestion", "vegas"]);
    expect(stderr).toContain("--congestion");
    expect(stderr).toContain("must be one of bbr, cubic, reno");
    expect(status).toBe(2);
  },
);
