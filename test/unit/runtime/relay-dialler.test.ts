// From a wish to dial to a handshake under way, or to the word that there is no way.
import { expect, test } from "bun:test";
import { RelayDialler, type RelayDiallerOptions } from "../../../src/runtime/relay-dialler.ts";
import type { DialEvent } from "../../../src/tunnel/peer.ts";
import { address } from "../../support/endpoint-pair.ts";

function setUp(options: Partial<RelayDiallerOptions> = {}) {
  const events: DialEvent[] = [];
  const connects: { to: string; names: readonly string[]; now: number }[] = [];
  const dialler = new RelayDialler({
    host: "relay.example.org",
    port: 4433,
    names: ["relay.example.org", "ztna-server"],
    resolver: { resolve: async () => ["192.0.2.1", "192.0.2.2"] },
    endpoint: {
      connect: (to, names, now) => {
        connects.push({ to: `${to.host}:${to.port}`, names, now });
        return 100 + connects.length;
      },
    },
    socket: { remote: (host, port) => address(host, port, "0.0.0.0", 1) },
    now: () => 77,
    feed: (event) => events.push(event),
    ...options,
  });
  return { dialler, events, connects };
}

test("a dial becomes a handshake with the resolved address and the expected names", async () => {
  const { dialler, events, connects } = setUp();
  await dialler.perform({ type: "dial", dial: 5 });
  expect(connects).toEqual([{ to: "192.0.2.1:4433", names: ["relay.example.org", "ztna-server"], now: 77 }]);
  expect(events).toEqual([{ type: "dialing", dial: 5, peer: 101 }]);
});

test("the addresses of a relay take turns", async () => {
  const { dialler, connects } = setUp();
  for (const dial of [1, 2, 3]) await dialler.perform({ type: "dial", dial });
  expect(connects.map(({ to }) => to)).toEqual(["192.0.2.1:4433", "192.0.2.2:4433", "192.0.2.1:4433"]);
});

test("the name is asked for again with every attempt", async () => {
  let answer = "192.0.2.1";
  const { dialler, connects } = setUp({ resolver: { resolve: async () => [answer] } });
  await dialler.perform({ type: "dial", dial: 1 });
  answer = "192.0.2.9";
  await dialler.perform({ type: "dial", dial: 2 });
  expect(connects.map(({ to }) => to)).toEqual(["192.0.2.1:4433", "192.0.2.9:4433"]);
});

test("a name that does not resolve is an answer, not an exception", async () => {
  const { dialler, events } = setUp({ resolver: { resolve: () => Promise.reject(new Error("ENOTFOUND")) } });
  await dialler.perform({ type: "dial", dial: 1 });
  expect(events).toEqual([{ type: "unresolved", dial: 1, detail: "relay.example.org: ENOTFOUND" }]);
});

test("an address that no local socket reaches is passed over", async () => {
  const { dialler, events, connects } = setUp({
    resolver: { resolve: async () => ["2001:db8::1", "192.0.2.2"] },
    socket: {
      remote: (host, port) => {
        if (host.includes(":")) throw new Error("no local socket reaches it");
        return address(host, port, "0.0.0.0", 1);
      },
    },
  });
  await dialler.perform({ type: "dial", dial: 1 });
  await dialler.perform({ type: "dial", dial: 2 });
  expect(connects).toHaveLength(2);
  expect(events.every(({ type }) => type === "dialing")).toBe(true);
});

test("if no address can be dialled the reason is the last one's", async () => {
  const { dialler, events } = setUp({
    endpoint: {
      connect: () => {
        throw new Error("invalid address");
      },
    },
  });
  await dialler.perform({ type: "dial", dial: 3 });
  expect(events).toEqual([{ type: "unresolved", dial: 3, detail: "invalid address" }]);
});
