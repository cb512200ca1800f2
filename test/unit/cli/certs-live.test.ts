// The certificates of a running relay: shown whatever is wrong with them, and judged by the CA and the name that are given.
import { expect, test } from "bun:test";
import { certs } from "../../support/certs-command.ts";
import { loopbackServer } from "../../support/loopback-server.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();
const chain = { ...pki.server, certPem: `${pki.server.certPem}\n${pki.ca.certPem}` };

test("the whole chain is shown, though the relay demands a certificate and nothing is trusted", async () => {
  using server = await loopbackServer({ credential: chain });
  const shown = await certs("show", `127.0.0.1:${server.port}`, "--json");
  expect([shown.status, shown.stderr]).toEqual([0, ""]);
  const { certificates } = JSON.parse(shown.stdout);
  const digests = [pki.server, pki.ca].map(({ der }) => new Bun.CryptoHasher("sha256").update(der).digest("hex"));
  expect(certificates.map(({ sha256 }: { sha256: string }) => sha256)).toEqual(digests);
});

test.each(["expired", "wrongCa", "caAsLeaf", "weakRsa", "noPurpose"] as const)(
  "a relay's %s certificate is shown, and fails to verify",
  async (kind) => {
    using server = await loopbackServer({ credential: pki.badServers[kind], clientAuth: "optional" });
    const place = `localhost:${server.port}`;
    expect((await certs("show", place)).stdout).toMatch(/^subject /);
    const { status, stdout } = await certs("verify", place, "--ca-cert", pki.ca.certFile);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAIL/m);
  },
);

test("a good one passes under the dialled name or the well-known one, and under no other CA, name or key", async () => {
  using server = await loopbackServer();
  const verify = async (...flags: readonly string[]) => {
    const { status, stdout } = await certs("verify", `127.0.0.1:${server.port}`, ...flags);
    return [status, ...(stdout.match(/^FAIL +\w+/gm) ?? [])];
  };
  const anchor = ["--ca-cert", pki.ca.certFile];
  expect(await verify(...anchor)).toEqual([0]);
  expect(await verify(...anchor, "--key", pki.server.keyFile, "--name", "relay.test")).toEqual([0]);
  expect(await verify("--ca-cert", pki.otherCa.certFile)).toEqual([1, "FAIL  chain"]);
  expect(await verify(...anchor, "--name", "elsewhere.test")).toEqual([1, "FAIL  name"]);
  expect(await verify(...anchor, "--key", pki.agent.keyFile)).toEqual([1, "FAIL  key"]);
  expect(await verify(...anchor, "--purpose", "client")).toEqual([1, "FAIL  purpose"]);
  expect(await verify()).toEqual([2]);
});

test("who does not answer in time is unreachable", async () => {
  const silent = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
  try {
    const began = performance.now();
    const { status, stdout, stderr } = await certs("show", `127.0.0.1:${silent.port}`, "--timeout", "300ms");
    expect([status, stdout]).toEqual([5, ""]);
    expect(stderr).toMatch(/^ztna: 127\.0\.0\.1:\d+ does not answer; .*\n$/);
    expect(performance.now() - began).toBeLessThan(5000);
  } finally {
    silent.close();
  }
  expect((await certs("show", "no-such-host.invalid:4433")).status).toBe(5);
});

test("a server of another protocol is none of ours", async () => {
  using server = await loopbackServer({ alpn: "h3" });
  const { status, stderr } = await certs("show", `127.0.0.1:${server.port}`);
  expect([status, stderr]).toEqual([1, expect.stringContaining("speaks QUIC, but is no relay")]);
});
