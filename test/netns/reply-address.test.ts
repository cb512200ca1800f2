// A host with several addresses: a relay that is bound to all of them answers from the one that it was asked at, or
// firewalls, NAT and clients would not know the answer. Each host is a network namespace of the test's.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { requireBinary } from "../support/binary.ts";
import { startRelay } from "../support/daemons.ts";
import { LiveAgent } from "../support/live-agent.ts";
import { NetworkNamespace, removeNamespaces } from "../support/network-namespace.ts";
import { testPki } from "../support/pki.ts";
import { testUnless, withoutNetworkNamespaces } from "../support/skip.ts";
import { unknownVersion } from "../support/stranger-packets.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

const here = testUnless(withoutNetworkNamespaces());

const TEST_MS = 60_000;

describe.each([
  ["IPv4", "0.0.0.0", "10.99.0.2/24", ["10.99.0.1", "10.99.0.100"]],
  ["IPv6", "::", "fd00:99::2/64", ["fd00:99::1", "fd00:99::100"]],
] as const)("on a host with two addresses a relay that is bound to all of them, %s", (_family, bind, client, own) => {
  here(
    "answers from the address that it was asked at",
    async () => {
      using server = new NetworkNamespace("server");
      using visitor = new NetworkNamespace("visitor");
      const prefix = client.slice(client.indexOf("/"));
      server.connect("to-visitor", `${own[0]}${prefix}`, visitor, "to-server", client);
      server.run("ip", "address", "add", `${own[1]}${prefix}`, "dev", "to-visitor");
      using cwd = temporaryDirectory();
      const options = { cwd: cwd.path, prefix: server.prefix, host: bind, flags: ["--io", "linux"] };
      await using relay = await startRelay(options);
      const sources: string[] = [];
      let answered: () => void = () => {};
      const socket = await visitor.enter(() =>
        Bun.udpSocket({
          hostname: bind,
          port: 0,
          socket: {
            data: (_socket, _packet, _port, host) => {
              sources.push(host);
              answered();
            },
          },
        }),
      );
      for (const address of [own[1], own[0], own[1]]) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        socket.send(unknownVersion(), relay.port, address);
        await answer;
        expect(sources.at(-1)).toBe(address);
      }
      socket.close();
    },
    TEST_MS,
  );
});

here(
  "a client that dials the second address of a relay's host is served there",
  async () => {
    const pki = await testPki();
    using server = new NetworkNamespace("server");
    using visitor = new NetworkNamespace("visitor");
    server.connect("to-visitor", "10.99.0.1/24", visitor, "to-server", "10.99.0.2/24");
    server.run("ip", "address", "add", "10.99.0.100/24", "dev", "to-visitor");
    using cwd = temporaryDirectory();
    const options = { cwd: cwd.path, prefix: server.prefix, host: "0.0.0.0", flags: ["--io", "linux"] };
    await using relay = await startRelay(options);
    const place = { relay: { host: "10.99.0.100", port: relay.port }, service: "web", address: "10.100.0.1" };
    using agent = await LiveAgent.open({ ...place, credential: pki.agent, enter: (body) => visitor.enter(body) });
    expect(agent.end.uplink.stats.connections).toBe(1);
  },
  TEST_MS,
);
