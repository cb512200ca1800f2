// The relay as a process: ready lines, status port, reload by signal and by file, drain, what it says and what not.
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { PURPOSE_OIDS } from "../../src/identity/leaf-policy.ts";
import {
  encodeAck,
  encodeNack,
  encodeRegistration,
  NACK_LIMIT,
  REGISTRATION_ACK,
  REGISTRATION_NACK,
} from "../../src/wire/tunnel.ts";
import { BINARY, requireBinary } from "../support/binary.ts";
import { serveUnderTest } from "../support/daemon-under-test.ts";
import { loopbackPeer } from "../support/loopback-peer.ts";
import { scrape } from "../support/metrics.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { startProcess } from "../support/process.ts";
import { replaceableFiles, serialShown } from "../support/relay-certificate.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

async function get(port: number, path: string): Promise<readonly [number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return [answer.status, await answer.text()];
}

test("every socket is announced with its real port, and each of them takes connections", async () => {
  await using relay = await serveUnderTest(pki, ["--bind", "127.0.0.1", "--bind", "127.0.0.2", "--log-level", "error"]);
  const lines = relay.stderr.trim().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^listening 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^listening 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^listening 127\.0\.0\.2:\d+$/),
    `listening 127.0.0.1:${relay.statusPort}`,
  ]);
  expect(await serialShown(relay.port)).not.toBe("none");
});

test("behind 1:1 NAT it serves as ever, and announces the address that it is bound to", async () => {
  await using relay = await serveUnderTest(pki, ["--external-ip", "192.0.2.1"]);
  expect(relay.stderr).toContain(`listening 127.0.0.1:${relay.port}\n`);
  expect(await serialShown(relay.port)).not.toBe("none");
});

test("a socket for IPv4 and IPv6 serves both, in turn", async () => {
  await using relay = await serveUnderTest(pki, ["--bind", "[::]:0"]);
  const [, port] = await relay.line(/^listening \[::\]:(\d+)$/);
  const serial = await serialShown(Number(port), "::1");
  expect(await serialShown(Number(port), "127.0.0.1")).toBe(serial);
  expect(await serialShown(Number(port), "::1")).toBe(serial);
});

test("health, readiness and metrics are served, and the handshake is counted", async () => {
  await using relay = await serveUnderTest(pki);
  await serialShown(relay.port);
  expect(await get(relay.statusPort, "/healthz")).toEqual([200, "ok\n"]);
  expect(await get(relay.statusPort, "/readyz")).toEqual([200, "ok\n"]);
  expect(await get(relay.statusPort, "/nothing")).toEqual([404, ""]);
  const { values } = await scrape(relay.statusPort);
  expect(values.get("ztna_handshakes_completed_total")).toBe(1);
  expect(values.get("ztna_retry_tokens_validated")).toBe(1);
  const expiry = values.get('ztna_certificate_expiry_timestamp_seconds{certificate="server"}') ?? 0;
  expect(expiry).toBeGreaterThan(Date.now() / 1000);
});

test("a signal reloads the certificate: new handshakes show it, the old connection stays", async () => {
  using files = replaceableFiles(pki.server);
  await using relay = await serveUnderTest(pki, files.args);
  using old = await loopbackPeer({ ca: pki.ca, credential: pki.agent });
  const { peer } = await old.connect(relay.port);
  const before = await serialShown(relay.port);
  const renewed = await pki.craft("renewed", { dnsNames: ["ztna-server"], extendedKeyUsages: [PURPOSE_OIDS.server] });
  files.install(renewed);
  relay.signal("SIGHUP");
  await relay.line(/ reloaded serial=/);
  expect(await serialShown(relay.port)).not.toBe(before);
  old.send(peer, encodeRegistration("agent", "web"));
  expect(await old.datagram(REGISTRATION_ACK)).toEqual(encodeAck("web"));
});

test("a replaced file is noticed without a signal", async () => {
  using files = replaceableFiles(pki.server);
  await using relay = await serveUnderTest(pki, files.args);
  const before = await serialShown(relay.port);
  files.install(await pki.craft("replaced", { dnsNames: ["ztna-server"], extendedKeyUsages: [PURPOSE_OIDS.server] }));
  await relay.line(/ reloaded serial=/);
  expect(await serialShown(relay.port)).not.toBe(before);
});

test("a broken file keeps the old certificate, says so and counts", async () => {
  using files = replaceableFiles(pki.server);
  await using relay = await serveUnderTest(pki, files.args);
  const before = await serialShown(relay.port);
  copyFileSync(pki.connector.keyFile, files.key);
  relay.signal("SIGHUP");
  await relay.line(/ reload-failed detail=".*relay\.key is not the key of/);
  expect(await serialShown(relay.port)).toBe(before);
  const { values } = await scrape(relay.statusPort);
  expect(values.get("ztna_reload_failures_total")).toBe(1);
  expect(values.get("ztna_reloads_total")).toBe(0);
});

test("limits and policy of the file are reloaded, what needs a restart is named, an open door is refused", async () => {
  using directory = temporaryDirectory();
  const configuration = (content: object) => directory.write("relay.json", JSON.stringify(content));
  const config = configuration({ max_services_per_connection: 1 });
  await using relay = await serveUnderTest(pki, ["--config", config]);
  using peer = await loopbackPeer({ ca: pki.ca, credential: pki.agentForAll });
  const { peer: id } = await peer.connect(relay.port);
  peer.send(id, encodeRegistration("agent", "a"));
  expect(await peer.datagram(REGISTRATION_ACK)).toEqual(encodeAck("a"));
  peer.send(id, encodeRegistration("agent", "b"));
  expect(await peer.datagram(REGISTRATION_NACK)).toEqual(encodeNack(NACK_LIMIT, "b"));
  configuration({ max_services_per_connection: 2, external_ip: "192.0.2.1" });
  relay.signal("SIGHUP");
  await relay.line(/ restart-needed options=external-ip$/);
  await relay.line(/ reloaded /);
  peer.send(id, encodeRegistration("agent", "b"));
  expect(await peer.datagram(REGISTRATION_ACK)).toEqual(encodeAck("b"));
  configuration({ insecure_no_client_auth: true });
  relay.signal("SIGHUP");
  await relay.line(/ reload-failed detail="client authentication changes only with a restart"/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} says goodbye to every peer and ends with 0 at once`, async () => {
    await using relay = await serveUnderTest(pki);
    using peer = await loopbackPeer({ ca: pki.ca, credential: pki.agent });
    await peer.connect(relay.port);
    const asked = performance.now();
    relay.signal(signal);
    const gone = await peer.event(({ type }) => type === "disconnected");
    expect(gone).toMatchObject({ by: "peer", layer: "application", code: 0, reason: "server shutting down" });
    expect((await relay.ended).status).toBe(0);
    expect(performance.now() - asked).toBeLessThan(2000);
  });
}

test("an open relay says so at once and in its metrics, and lets peers without a certificate in", async () => {
  await using relay = await serveUnderTest(pki, ["--insecure-no-client-auth"]);
  await relay.line(/ warn +insecure option=insecure-no-client-auth$/);
  const { values } = await scrape(relay.statusPort);
  expect(values.get('ztna_insecure{option="insecure-no-client-auth"}')).toBe(1);
  using peer = await loopbackPeer({ ca: pki.ca });
  const { peer: id } = await peer.connect(relay.port);
  peer.send(id, encodeRegistration("agent", "web"));
  expect(await peer.datagram(REGISTRATION_ACK)).toEqual(encodeAck("web"));
});

test("a relay with a CA refuses a peer without a certificate", async () => {
  await using relay = await serveUnderTest(pki);
  using peer = await loopbackPeer({ ca: pki.ca });
  const id = peer.dial(relay.port);
  const event = await peer.event((one) => one.type === "disconnected" || one.type === "dial-failed");
  expect(event).toMatchObject({ peer: id });
  const { values } = await scrape(relay.statusPort);
  expect(values.get("ztna_handshakes_completed_total")).toBe(0);
});

test("a port that is taken is one sentence and status 1", async () => {
  await using first = await serveUnderTest(pki);
  const second = serveUnderTest(pki, ["--port", String(first.port)]);
  await expect(second).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+: another process listens there/);
});

test("lines for machines are JSON, the ready lines are as ever", async () => {
  await using relay = await serveUnderTest(pki, ["--log-format", "json"]);
  relay.signal("SIGHUP");
  const [line] = await relay.line(/^\{.*"event":"reloaded".*\}$/);
  expect(JSON.parse(line)).toMatchObject({
    level: "info",
    event: "reloaded",
    time: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});

test("the default file of the working directory is read", async () => {
  using directory = temporaryDirectory();
  const content = {
    cert_path: pki.server.certFile,
    key_path: pki.server.keyFile,
    ca_cert_path: pki.ca.certFile,
    disable_retry: true,
  };
  directory.write("intermediate.json", JSON.stringify(content));
  const args = ["serve", "--port", "0", "--bind", "127.0.0.1", "--metrics-port", "0"];
  await using relay = startProcess([BINARY, ...args], { cwd: directory.path });
  const [, port] = await relay.line(/^listening 127\.0\.0\.1:(\d+)$/);
  expect(await serialShown(Number(port))).not.toBe("none");
});
