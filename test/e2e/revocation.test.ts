// Taking a certificate back from a running relay: its holder is out within a second and stays out, others notice nothing.
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeAck, encodeRegistration, REGISTRATION_ACK } from "../../src/wire/tunnel.ts";
import { BINARY, requireBinary } from "../support/binary.ts";
import { serveUnderTest } from "../support/daemon-under-test.ts";
import { type LoopbackPeer, loopbackPeer } from "../support/loopback-peer.ts";
import { scrape } from "../support/metrics.ts";
import { type TestCredential, type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { revocationList } from "../support/revocations.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

/** Promised: how long somebody whose certificate was revoked is still served. */
const CLOSED_MS = 1000;
const REVOKED = { type: "disconnected", by: "peer", layer: "transport", code: 0x12c, reason: "revoked" };

/** The files of an authority as `ztna certs` has them, and its list, which is empty at first. */
async function authorityFiles() {
  const directory = temporaryDirectory();
  copyFileSync(pki.ca.certFile, join(directory.path, "ca.pem"));
  copyFileSync(pki.ca.keyFile, join(directory.path, "ca.key"));
  const revoke = async (...credentials: readonly TestCredential[]) => {
    const names = credentials.map(({ certFile }) => certFile);
    const ended = await runProcess([BINARY, "certs", "revoke", ...names, "--dir", directory.path]);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
  };
  await revoke();
  const list = join(directory.path, "crl.pem");
  return { list, flags: ["--crl", list], revoke, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

function client(credential: TestCredential): Promise<LoopbackPeer> {
  return loopbackPeer({ ca: pki.ca, credential });
}

function disconnected(peer: LoopbackPeer) {
  return peer.event(({ type }) => type === "disconnected");
}

/** It dials, takes its own handshake for complete, and is told. */
async function refusal(relay: { readonly port: number }, credential: TestCredential) {
  using peer = await client(credential);
  peer.dial(relay.port);
  return await disconnected(peer);
}

test("an agent whose certificate is revoked is out at the signal and cannot come back, another one stays", async () => {
  using files = await authorityFiles();
  await using relay = await serveUnderTest(pki, files.flags);
  using revoked = await client(pki.agent);
  using other = await client(pki.agentForAll);
  await revoked.connect(relay.port);
  const { peer } = await other.connect(relay.port);
  await files.revoke(pki.agent);
  const out = disconnected(revoked);
  const asked = performance.now();
  relay.signal("SIGHUP");
  expect(await out).toMatchObject(REVOKED);
  expect(performance.now() - asked).toBeLessThan(CLOSED_MS);
  expect(await refusal(relay, pki.agent)).toMatchObject(REVOKED);
  other.send(peer, encodeRegistration("agent", "web"));
  expect(await other.datagram(REGISTRATION_ACK)).toEqual(encodeAck("web"));
  const { values } = await scrape(relay.statusPort);
  expect(values.get('ztna_peers_refused_total{reason="revoked"}')).toBe(1);
});

test("a list that is replaced without a signal is noticed as well", async () => {
  using files = await authorityFiles();
  await using relay = await serveUnderTest(pki, files.flags);
  using revoked = await client(pki.agent);
  await revoked.connect(relay.port);
  await files.revoke(pki.agent);
  expect(await disconnected(revoked)).toMatchObject(REVOKED);
});

test("a list that cannot be used keeps the one before, says so and counts", async () => {
  using files = await authorityFiles();
  await files.revoke(pki.agent);
  await using relay = await serveUnderTest(pki, files.flags);
  expect(await refusal(relay, pki.agent)).toMatchObject(REVOKED);
  writeFileSync(`${files.list}.new`, "garbage\n");
  renameSync(`${files.list}.new`, files.list);
  relay.signal("SIGHUP");
  await relay.line(/ reload-failed detail=".*crl\.pem holds no PEM block/);
  expect(await refusal(relay, pki.agent)).toMatchObject(REVOKED);
});

test("a configuration that no longer names the list does not let anybody back in", async () => {
  using files = await authorityFiles();
  await files.revoke(pki.agent);
  using directory = temporaryDirectory();
  const config = directory.write("relay.json", JSON.stringify({ crl: files.list }));
  await using relay = await serveUnderTest(pki, ["--config", config]);
  writeFileSync(config, "{}");
  relay.signal("SIGHUP");
  await relay.line(/ reload-failed detail="revocation is switched off only with a restart"/);
  expect(await refusal(relay, pki.agent)).toMatchObject(REVOKED);
});

test("a list that is out of date is warned about and still counts", async () => {
  using files = await authorityFiles();
  writeFileSync(files.list, await revocationList(pki.authority, [pki.agent], { from: -9, to: -1 }));
  await using relay = await serveUnderTest(pki, files.flags);
  expect(relay.stderr).toMatch(/ credentials detail=".*crl\.pem should have been replaced by/);
  expect(await refusal(relay, pki.agent)).toMatchObject(REVOKED);
});

test("a relay without a usable list does not start, and listens nowhere", async () => {
  using files = await authorityFiles();
  const own = ["--cert", pki.server.certFile, "--key", pki.server.keyFile];
  const serve = (...args: readonly string[]) => runProcess([BINARY, "serve", "--port", "0", ...own, ...args]);
  const missing = await serve("--ca-cert", pki.ca.certFile, "--crl", `${files.list}.not`);
  expect([missing.status, missing.stderr]).toEqual([4, expect.stringContaining("crl.pem.not does not exist")]);
  const foreign = await serve("--ca-cert", pki.otherCa.certFile, "--crl", files.list);
  expect([foreign.status, foreign.stderr]).toEqual([4, expect.stringContaining("which is not in the CA file")]);
  const withoutCa = await serve("--insecure-no-client-auth", "--crl", files.list);
  expect([withoutCa.status, withoutCa.stderr]).toEqual([2, expect.stringContaining("give --ca-cert")]);
  for (const { stderr } of [missing, foreign, withoutCa]) expect(stderr).not.toContain("listening");
});
