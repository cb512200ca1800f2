// What the doctor says about networks that are not well: a path too narrow for full packets, a firewall that swallows UDP.
import { afterAll, beforeAll, expect } from "bun:test";
import { BINARY, requireBinary } from "../support/binary.ts";
import { startRelay } from "../support/daemons.ts";
import { NetworkNamespace, removeNamespaces } from "../support/network-namespace.ts";
import { testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directory = temporaryDirectory();
beforeAll(requireBinary);
afterAll(() => {
  removeNamespaces();
  directory[Symbol.dispose]();
});

const here = testUnless(withoutNetworkNamespaces());
const withFirewall = testUnless(withoutNetworkNamespaces(), withoutProgram("nft"));

/** A relay and a doctor beside it, after `spoil` has changed the network between them. */
async function doctorIn(namespace: NetworkNamespace, spoil: (port: number) => void) {
  await using relay = await startRelay({ cwd: directory.path, prefix: namespace.prefix });
  spoil(relay.port);
  const pki = await testPki();
  const own = ["--ca-cert", pki.ca.certFile, "--client-cert", pki.agent.certFile, "--client-key", pki.agent.keyFile];
  const command = [BINARY, "doctor", "--json", "--server", `127.0.0.1:${relay.port}`, ...own];
  const { status, stdout } = await runProcess([...namespace.prefix, ...command], { cwd: directory.path });
  const { rows } = JSON.parse(stdout) as { readonly rows: readonly { readonly check: string }[] };
  return { status, of: (check: string) => rows.find((row) => row.check === check) };
}

here(
  "packets that are too large for the way to the relay are found, nothing is fragmented",
  async () => {
    using namespace = new NetworkNamespace("doctor");
    const narrow = () => void namespace.run("ip", "link", "set", "lo", "mtu", "1300");
    const { status, of } = await doctorIn(namespace, narrow);
    expect(of("udp")).toMatchObject({ status: "ok" });
    expect(of("datagram")).toMatchObject({
      status: "warning",
      detail: expect.stringMatching(/^packets of 1232 bytes reach the relay.* larger ones are lost$/),
    });
    expect([1, 7]).toContain(status as number);
  },
  30_000,
);

withFirewall(
  "a firewall that swallows UDP is out of reach, not a mystery",
  async () => {
    using namespace = new NetworkNamespace("doctor");
    const { status, of } = await doctorIn(namespace, (port) => {
      namespace.run("nft", "add table inet block; add chain inet block in { type filter hook input priority 0 ; }");
      namespace.run("nft", `add rule inet block in udp dport ${port} drop`);
    });
    expect(status).toBe(5);
    expect(of("udp")).toMatchObject({ status: "failure", detail: expect.stringContaining("UDP is blocked") });
  },
  30_000,
);
