// The relay from outside: what it says to peers that connect, the way of a packet and back, what it keeps of the gone.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_RELAY_LIMITS, DEFAULT_RELAY_OPTIONS } from "../../../src/relay/options.ts";
import { Relay } from "../../../src/relay/relay.ts";
import type { PeerEvent } from "../../../src/tunnel/peer.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";
import { ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import { encodeRegistration, encodeRouted } from "../../../src/wire/tunnel.ts";
import { checkUdp } from "../../../src/wire/udp.ts";
import { tcpPacket, udpPacket } from "../../support/arbitraries.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { AGENT_END, certificate, ip, RelayWorld, reply, request, socketAddress } from "../../support/relay-world.ts";

describe("the observed address", () => {
  test("is the first thing a peer is told, and it is told again when it moves", () => {
    const world = new RelayWorld();
    const [told, ...rest] = world.handle(world.connectedEvent(1, { host: "203.0.113.5", port: 54321 }));
    expect(toHex(told!.bytes)).toBe("01cb007105d431");
    expect(rest).toEqual([]);
    const moved = world.handle({ type: "moved", peer: 1, address: socketAddress("203.0.113.6", 80) });
    expect(moved.map(({ to, bytes }) => [to, toHex(bytes)])).toEqual([[1, "01cb0071060050"]]);
  });

  test("is not told to IPv6 peers, for which there is no form", () => {
    const world = new RelayWorld();
    expect(world.handle(world.connectedEvent(1, { host: "2001:db8::1" }))).toEqual([]);
    expect(world.handle({ type: "moved", peer: 1, address: socketAddress("2001:db8::2", 80) })).toEqual([]);
  });

  test("waits until the connection takes it", () => {
    const world = new RelayWorld();
    const peer = world.connect();
    world.full.add(peer);
    expect(world.handle({ type: "moved", peer, address: socketAddress("203.0.113.7", 80) })).toEqual([]);
    world.full.delete(peer);
    const [told, ...rest] = world.handle({ type: "writable", peer });
    expect(toHex(told!.bytes)).toBe("01cb0071070050");
    expect(rest).toEqual([]);
    expect(world.handle({ type: "writable", peer })).toEqual([]);
  });
});

describe("a packet and its reply", () => {
  test("go to the connector from an address of the agent's own, and back to the agent as it knows itself", () => {
    const world = new RelayWorld();
    const connector = world.connector("echo-service");
    const agent = world.agent("echo-service");
    const [there, ...none] = world.datagram(agent, DOCUMENT_EXAMPLE);
    expect(none).toEqual([]);
    expect(there!.to).toBe(connector);
    expect(ipv4Source(there!.bytes) >>> 22).toBe(ip("100.64.0.0") >>> 22);
    expect(ipv4Source(there!.bytes)).not.toBe(ip("100.64.0.1"));
    expect(ipv4Destination(there!.bytes)).toBe(ip("10.100.0.1"));
    expect(checkUdp(there!.bytes)).toBeUndefined();

    const [back] = world.datagram(connector, reply(there!.bytes));
    expect(back!.to).toBe(agent);
    expect(toHex(back!.bytes)).toBe(toHex(request("world", swappedEnds())));
    expect(world.accounts).toEqual({ received: 4, accountedFor: 4 });
    expect(world.relay.stats.datagramsRelayed).toBe(2);
    expect(world.relay.stats.relayBytes).toBe(there!.bytes.length + back!.bytes.length);
  });

  test("reach the right one of ten agents that all use the same inner address and port", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agents = Array.from({ length: 10 }, () => world.agent("web", { identity: certificate("shared") }));
    const there = agents.map((agent) => world.routed(agent, "web", request(`from ${agent}`))[0]!);
    expect(new Set(there.map(({ bytes }) => ipv4Source(bytes))).size).toBe(10);
    for (const [i, agent] of [...agents.entries()].reverse()) {
      const back = world.datagram(connector, reply(there[i]!.bytes, `to ${agent}`));
      expect(back).toEqual([{ to: agent, bytes: request(`to ${agent}`, swappedEnds()) }]);
    }
  });

  test("a peer may be agent and connector at once, even of the same service", () => {
    const world = new RelayWorld();
    const both = world.agent("web");
    world.register(both, "connector", "web");
    const [there] = world.routed(both, "web", request());
    expect(there!.to).toBe(both);
    const [back] = world.datagram(both, reply(there!.bytes));
    expect(back).toEqual({ to: both, bytes: request("world", swappedEnds()) });
    const [raw] = world.datagram(both, request());
    expect(ipv4Destination(raw!.bytes)).toBe(AGENT_END.destination);
    expect(world.relay.stats.hops.agent.relayed).toBe(2);
    expect(world.relay.stats.hops.connector.relayed).toBe(1);
  });
});

describe("peers that come and go", () => {
  test("what a peer registered ends with it", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agent = world.agent("web");
    const [there] = world.routed(agent, "web", request());
    world.disconnect(agent);
    expect(world.datagram(connector, reply(there!.bytes))).toEqual([]);
    expect(world.relay.stats.hops.connector.dropped["unknown-destination"]).toBe(1);
    world.disconnect(connector);
    expect(world.relay.services()).toEqual([]);
    expect(world.noticesOf("unregistered").map(({ fields }) => fields)).toEqual([
      { service: "web", role: "agent", name: "peer-2" },
      { service: "web", role: "connector", name: "peer-1" },
    ]);
  });

  test("a peer that connects again starts anew", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agent = world.agent("web");
    world.handle(world.connectedEvent(connector));
    world.handle(world.connectedEvent(agent));
    expect(world.relay.services()).toEqual([]);
    world.routed(agent, "web", request());
    expect(world.relay.stats.hops.unregistered.dropped["not-registered"]).toBe(1);
  });

  test("datagrams of unknown peers are counted", () => {
    const world = new RelayWorld();
    expect(world.datagram(99, request())).toEqual([]);
    expect(world.relay.stats.hops.unregistered.dropped["unknown-peer"]).toBe(1);
    expect(world.accounts).toEqual({ received: 1, accountedFor: 1 });
  });

  test("an idle relay wants no timer, and idle peers are never pinged", () => {
    const world = new RelayWorld();
    world.connector("web");
    world.agent("web");
    expect(world.relay.deadline()).toBeUndefined();
    world.advance(600_000);
    expect(world.pings).toEqual([]);
  });
});

describe("limits of data", () => {
  test("datagrams and bytes per second, each counted as its hop's drop", () => {
    const limits = { datagrams: { perSecond: 10, burst: 3 }, bytes: { perSecond: 1000, burst: 80 } };
    const world = new RelayWorld({ limits });
    world.connector("web");
    const agent = world.agent("web");
    expect(world.routed(agent, "web", request("x".repeat(60)))).toHaveLength(0);
    world.advance(1000);
    expect(world.routed(agent, "web", request("x"))).toHaveLength(1);
    expect(world.routed(agent, "web", request("x"))).toHaveLength(1);
    expect(world.routed(agent, "web", request("x"))).toHaveLength(0);
    expect(world.relay.stats.hops.agent.dropped["rate-limited"]).toBe(2);
    expect(world.accounts.received).toBe(world.accounts.accountedFor);
  });

  test("the defaults let 60,000 datagrams of 1200 bytes per second through", () => {
    const { datagrams, bytes } = DEFAULT_RELAY_LIMITS;
    expect(datagrams!.perSecond).toBeGreaterThan(60_000);
    expect(bytes!.perSecond).toBeGreaterThan(60_000 * 1200);
  });

  test("new limits apply to connections that exist", () => {
    const world = new RelayWorld();
    world.connector("web");
    const agent = world.agent("web");
    expect(world.routed(agent, "web", request())).toHaveLength(1);
    const limits = { ...DEFAULT_RELAY_LIMITS, datagrams: { perSecond: 1, burst: 1 }, servicesPerConnection: 1 };
    world.relay.reload({ ...DEFAULT_RELAY_OPTIONS, limits }, world.now);
    expect(world.routed(agent, "web", request())).toHaveLength(1);
    expect(world.routed(agent, "web", request())).toHaveLength(0);
    world.advance(1000);
    expect(toHex(world.register(agent, "agent", "db")[0]!.bytes)).toBe("1303026462");
  });
});

test("obeys the laws of machines", () => {
  const peer = fc.integer({ min: 1, max: 5 });
  const service = fc.constantFrom("a", "b", "ü");
  const role = fc.constantFrom("agent" as const, "connector" as const);
  const inner = fc.oneof(udpPacket, tcpPacket, fc.constant(request()));
  const toAgent = fc.integer({ min: 1, max: 5 }).map(() => request("x", swappedEnds()));
  const bytes = fc.oneof(
    fc.tuple(role, service).map(([r, s]) => encodeRegistration(r, s)),
    fc.tuple(service, inner).map(([s, packet]) => encodeRouted(s, packet)),
    inner,
    toAgent,
    fc.uint8Array({ maxLength: 60 }),
  );
  const identity = fc.constantFrom(certificate("one"), certificate("two"), { kind: "anonymous" } as const);
  const address = fc.constantFrom(socketAddress("203.0.113.1", 1), socketAddress("2001:db8::1", 2));
  const maxDatagram = fc.constantFrom(100, 1200, 1306);
  const close = { by: "peer", layer: "transport", code: 0, reason: "" } as const;
  const input: fc.Arbitrary<PeerEvent> = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("connected" as const), peer, identity, address, maxDatagram }),
    },
    { weight: 8, arbitrary: fc.record({ type: fc.constant("datagram" as const), peer, bytes }) },
    fc.record({ type: fc.constant("datagram-limit" as const), peer, maxDatagram }),
    fc.record({ type: fc.constant("moved" as const), peer, address }),
    fc.record({ type: fc.constant("heard" as const), peer }),
    fc.record({ type: fc.constant("writable" as const), peer }),
    peer.map((each) => ({ type: "disconnected", peer: each, ...close }) as const),
  );
  for (const takeover of ["pool", "replace", "deny"] as const) {
    checkMachineLaws({ create: () => new Relay({ ...DEFAULT_RELAY_OPTIONS, takeover }), input, maxOutputs: 40 });
  }
});

/** Section 2.6 of the protocol: UDP "hello" from 100.64.0.1:40000 to 10.100.0.1:9999 for "echo-service". */
const DOCUMENT_EXAMPLE = fromHex(
  `2f0c6563686f2d73657276696365${"45000021000040004011cc26644000010a6400019c40270f000d000068656c6c6f"}`,
)!;

function swappedEnds() {
  return {
    source: AGENT_END.destination,
    sourcePort: AGENT_END.destinationPort,
    destination: AGENT_END.source,
    destinationPort: AGENT_END.sourcePort,
  };
}

test("after a restart, an agent that spoke before its connector was back is reached by what the connector still sends", () => {
  const identity = certificate("laptop");
  const before = new RelayWorld();
  before.connector("web");
  const [sent] = before.routed(before.agent("web", { identity }), "web", request());
  const after = new RelayWorld();
  const agent = after.agent("web", { identity });
  after.routed(agent, "web", request());
  const connector = after.connector("web");
  expect(after.datagram(connector, reply(sent!.bytes))).toMatchObject([{ to: agent }]);
});
