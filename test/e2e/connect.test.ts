// The connector as a process, beside a relay that is another: registration, data, refusals, restarts, quiet logs.
import { beforeAll, expect, test } from "bun:test";
import { parseIpv4 } from "../../src/wire/address.ts";
import { ipv4Source } from "../../src/wire/ipv4.ts";
import { encodeRegistration, encodeRouted, REGISTRATION_ACK } from "../../src/wire/tunnel.ts";
import { encodeUdp, udpPayloadEnd, udpPayloadStart } from "../../src/wire/udp.ts";
import { BINARY, requireBinary } from "../support/binary.ts";
import { connectUnderTest, freeTcpPort, serveUnderTest } from "../support/daemon-under-test.ts";
import { type LoopbackPeer, loopbackPeer } from "../support/loopback-peer.ts";
import { scrape } from "../support/metrics.ts";
import { type TestCredential, type TestPki, testPki } from "../support/pki.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const VIRTUAL = parseIpv4("10.100.0.1")!;
const WEB = ["--service", "web", "--service-ip", "10.100.0.1"];
const IPV4_FIRST_BYTE = 0x45;

/** A backend that answers every payload with the same bytes. */
async function echo() {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (self, bytes, port, host) => void self.send(bytes, port, host) },
  });
  return { port: socket.port, [Symbol.dispose]: () => socket.close() };
}

/** An agent that is registered for `web`. */
async function agent(relayPort: number) {
  const peer = await loopbackPeer({ ca: pki.ca, credential: pki.agent });
  const { peer: id } = await peer.connect(relayPort);
  peer.send(id, encodeRegistration("agent", "web"));
  await peer.datagram(REGISTRATION_ACK);
  return { peer, id, [Symbol.dispose]: () => peer[Symbol.dispose]() };
}

/** Sends a payload to the service and returns what comes back. */
async function ask({ peer, id }: { peer: LoopbackPeer; id: number }, payload: Uint8Array) {
  const source = parseIpv4("100.64.0.1")!;
  peer.send(
    id,
    encodeRouted("web", encodeUdp({ source, sourcePort: 4000, destination: VIRTUAL, destinationPort: 7, payload })),
  );
  const answer = await peer.datagram(IPV4_FIRST_BYTE);
  return { from: ipv4Source(answer), payload: answer.slice(udpPayloadStart(answer), udpPayloadEnd(answer)) };
}

test("a registered service is announced, serves, and answers come from its virtual address", async () => {
  using backend = await echo();
  await using relay = await serveUnderTest(pki);
  const args = [...WEB, "--forward", `127.0.0.1:${backend.port}`, "--log-level", "error"];
  await using connector = await connectUnderTest(pki, relay.port, args);
  await connector.line(/^registered web$/, { stream: "stderr" });
  using client = await agent(relay.port);
  for (const length of [0, 1, 1200]) {
    const payload = crypto.getRandomValues(new Uint8Array(length));
    expect(await ask(client, payload)).toEqual({ from: VIRTUAL, payload });
  }
  const { values } = await scrape(connector.statusPort);
  expect(Object.fromEntries(values)).toMatchObject({
    ztna_connector_forwarded_packets_total: 3,
    ztna_connector_forwarded_bytes_total: 1201,
    'ztna_service_registration{service="web",state="registered"}': 1,
  });
});

test("readiness says which service is not registered and why", async () => {
  await using relay = await serveUnderTest(pki);
  using directory = temporaryDirectory();
  const services = ["web", "db"].map((id) => ({ id, backend: "127.0.0.1:9" }));
  const config = directory.write("connector.json", JSON.stringify({ services }));
  await using connector = await connectUnderTest(pki, relay.port, ["--config", config], pki.connector);
  await connector.line(/^registered web$/);
  await connector.line(/registration-denied|denied|refused/);
  const answer = await fetch(`http://127.0.0.1:${connector.statusPort}/readyz`);
  expect([answer.status, await answer.text()]).toEqual([503, "not registered: db (not-granted)\n"]);
  const { values } = await scrape(connector.statusPort);
  expect(values.get('ztna_service_registration{service="web",state="registered"}')).toBe(1);
  expect(values.get('ztna_service_registration{service="db",state="denied"}')).toBe(1);
});

test("a signal ends it with 0, and the relay knows at once", async () => {
  await using relay = await serveUnderTest(pki);
  await using connector = await connectUnderTest(pki, relay.port, [...WEB, "--forward", "127.0.0.1:9"]);
  await connector.line(/^registered web$/);
  connector.signal("SIGTERM");
  expect((await connector.ended).status).toBe(0);
  await relay.line(/ unregistered service=web /);
});

const REFUSED: readonly (readonly [string, (pki: TestPki) => TestCredential | undefined, readonly string[], RegExp])[] =
  [
    ["no certificate", () => undefined, [], /--client-cert and --client-key/],
    ["a certificate of a strange CA", ({ badClients }) => badClients.wrongCa, [], /its own CA with --client-cert/],
    ["another name than the relay's", ({ connector }) => connector, ["--server-name", "other.example.org"], /name/],
  ];
for (const [what, credential, args, sentence] of REFUSED) {
  test(`with ${what} it ends with 4 and says what to do`, async () => {
    await using relay = await serveUnderTest(pki);
    const held = credential(pki);
    const own = held === undefined ? [] : ["--client-cert", held.certFile, "--client-key", held.keyFile];
    const place = ["--server", `127.0.0.1:${relay.port}`, "--metrics-port", "0", "--ca-cert", pki.ca.certFile];
    const ended = await runProcess([BINARY, "connect", ...place, ...WEB, "--forward", "127.0.0.1:9", ...own, ...args]);
    expect([ended.status, ended.stderr.trim().split("\n").at(-1)]).toEqual([4, expect.stringMatching(sentence)]);
  });
}

test("a relay of another CA is refused with 4", async () => {
  await using relay = await serveUnderTest(pki);
  const own = [
    "--client-cert",
    pki.connector.certFile,
    "--client-key",
    pki.connector.keyFile,
    "--ca-cert",
    pki.otherCa.certFile,
  ];
  const place = ["--server", `127.0.0.1:${relay.port}`, "--metrics-port", "0"];
  const ended = await runProcess([BINARY, "connect", ...place, ...WEB, "--forward", "127.0.0.1:9", ...own]);
  expect([ended.status, ended.stderr]).toEqual([4, expect.stringMatching(/check --ca-cert/)]);
});

test("a relay that is not there yet is waited for", async () => {
  const port = await freeTcpPort();
  await using connector = await connectUnderTest(pki, port, [...WEB, "--forward", "127.0.0.1:9"]);
  const answer = await fetch(`http://127.0.0.1:${connector.statusPort}/readyz`);
  expect(await answer.text()).toBe("not registered: web (pending)\n");
  await using _relay = await serveUnderTest(pki, ["--port", String(port)]);
  await connector.line(/^registered web$/);
});

test("after its first success nothing that a relay does ends it", async () => {
  const first = await serveUnderTest(pki);
  await using connector = await connectUnderTest(pki, first.port, [...WEB, "--forward", "127.0.0.1:9"]);
  await connector.line(/^registered web$/);
  await first.end("SIGKILL");
  const stranger = await serveUnderTest(pki, ["--port", String(first.port), "--ca-cert", pki.otherCa.certFile]);
  await connector.line(/ warn .*unknown-ca/);
  await stranger.end("SIGKILL");
  await using back = await serveUnderTest(pki, ["--port", String(first.port)]);
  await back.line(/ registered service=web /);
});

test("no address of a peer or of the network within is written at info", async () => {
  using backend = await echo();
  await using relay = await serveUnderTest(pki);
  await using connector = await connectUnderTest(pki, relay.port, [...WEB, "--forward", `127.0.0.1:${backend.port}`]);
  await connector.line(/^registered web$/);
  using client = await agent(relay.port);
  for (let n = 0; n < 20; n++) await ask(client, new Uint8Array([n]));
  await connector.end();
  await relay.end();
  for (const { stderr } of [relay, connector]) {
    const lines = stderr.split("\n").filter((line) => !line.startsWith("listening "));
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.filter((line) => /\d+\.\d+\.\d+\.\d+|::/.test(line))).toEqual([]);
  }
});

test("not verifying the relay is said and shown", async () => {
  await using relay = await serveUnderTest(pki);
  await using connector = await connectUnderTest(pki, relay.port, [
    ...WEB,
    "--forward",
    "127.0.0.1:9",
    "--no-verify-peer",
  ]);
  await connector.line(/ warn +insecure option=no-verify-peer$/);
  const { values } = await scrape(connector.statusPort);
  expect(values.get('ztna_insecure{option="no-verify-peer"}')).toBe(1);
});

test("the reference's flags and file start it, with warnings for what has no effect", async () => {
  await using relay = await serveUnderTest(pki);
  using directory = temporaryDirectory();
  const file = {
    intermediate_server: { host: "127.0.0.1", port: relay.port },
    services: [{ id: "web", backend: "127.0.0.1:9", protocol: "udp" }],
    ca_cert: pki.ca.certFile,
    client_cert: pki.connector.certFile,
    client_key: pki.connector.keyFile,
    metrics_port: 0,
  };
  directory.write("connector.json", JSON.stringify(file));
  const flags = ["--p2p-port", "0", "--cert", "tls.crt", "--key", "tls.key"];
  await using connector = startProcess([BINARY, "connect", ...flags], { cwd: directory.path });
  await connector.line(/^ztna: warning: --p2p-port stands for --p2p-listen-port/);
  await connector.line(/^ztna: warning: peer-to-peer connections are not offered; without effect: p2p-cert, p2p-key$/);
  await connector.line(/^registered web$/);
});
