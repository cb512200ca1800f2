// The data path: what is relayed, what is dropped and under which reason, sizes, raw packets of agents with a choice.
import { describe, expect, test } from "bun:test";
import type { DropReason, Hop } from "../../../src/relay/stats.ts";
import { ipv4Destination } from "../../../src/wire/ipv4.ts";
import { encodeTcp, TCP_ACK, TCP_SYN } from "../../../src/wire/tcp.ts";
import { encodeRegistration, encodeRouted } from "../../../src/wire/tunnel.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { AGENT_END, certificate, ip, RelayWorld, reply, request, type Sent } from "../../support/relay-world.ts";

/** A world in which one more datagram arrives; it must be dropped for this reason and for no other. */
function expectDrop(world: RelayWorld, hop: Hop, reason: DropReason, act: () => Sent[], answers = 0): void {
  const before = world.relay.stats.hops[hop].dropped[reason];
  expect(act()).toHaveLength(answers);
  expect(world.relay.stats.hops[hop].dropped[reason]).toBe(before + 1);
  expect(world.accounts.received).toBe(world.accounts.accountedFor);
}

describe("who may send", () => {
  test("routed packets need a registration as agent for exactly that id", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    world.connector("Web");
    world.connector("");
    const agent = world.agent("web");
    for (const id of ["Web", "we", "webs", "", "db"]) {
      expectDrop(world, "agent", "not-registered", () => world.routed(agent, id, request()));
    }
    const notUtf8 = new Uint8Array([0x2f, 2, 0xc3, 0x28, ...request()]);
    expectDrop(world, "agent", "not-registered", () => world.datagram(agent, notUtf8));
    expectDrop(world, "connector", "not-registered", () => world.routed(connector, "web", request()));
    expectDrop(world, "unregistered", "not-registered", () => world.routed(world.connect(), "web", request()));
  });

  test("a refused registration gives no right", () => {
    const world = new RelayWorld();
    world.connector("web");
    const denied = world.connect({ identity: certificate("denied", [{ role: "agent", service: "db" }]) });
    world.register(denied, "agent", "web");
    expectDrop(world, "unregistered", "not-registered", () => world.routed(denied, "web", request()));
    expectDrop(world, "unregistered", "no-role", () => world.datagram(denied, request()));
  });

  test("a connector reaches only agents of services that it serves", () => {
    const world = new RelayWorld();
    world.connector("web");
    const stranger = world.connector("db");
    const agent = world.agent("web");
    const [there] = world.routed(agent, "web", request());
    expectDrop(world, "connector", "not-served", () => world.datagram(stranger, reply(there!.bytes)));
    world.register(agent, "agent", "db");
    expect(world.datagram(stranger, reply(there!.bytes))).toMatchObject([{ to: agent }]);
  });

  test("a connector reaches nobody at an address that no agent has", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agent = world.agent("web");
    world.routed(agent, "web", request());
    expectDrop(world, "connector", "unknown-destination", () => world.datagram(connector, reply(request())));
  });

  test("an agent that took over an address gets nothing from connectors of its predecessor's services", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const db = world.connector("db");
    const laptop = { identity: certificate("laptop") };
    const older = world.agent("web", laptop);
    const [there] = world.routed(older, "web", request());
    world.dead.add(older);
    world.datagram(connector, reply(there!.bytes));
    world.advance(3000);
    const newer = world.agent("db", laptop);
    expect(world.routed(newer, "db", request())).toMatchObject([{ to: db }]);
    expectDrop(world, "connector", "not-served", () => world.datagram(connector, reply(there!.bytes)));
    expect(world.datagram(db, reply(there!.bytes))).toMatchObject([{ to: newer }]);
  });

  test("a routed packet of a peer in both roles is an agent's, whatever it contains", () => {
    const world = new RelayWorld();
    const both = world.agent("web");
    world.register(both, "connector", "web");
    const [there] = world.routed(both, "web", request());
    const id = new Uint8Array(18);
    id.set(there!.bytes.subarray(12, 16), 14);
    const lookalike = new Uint8Array([0x2f, 18, ...id, ...request()]);
    expectDrop(world, "agent", "not-registered", () => world.datagram(both, lookalike));
  });

  test("an agent cannot spoof: its address is unique whatever source it claims", () => {
    const world = new RelayWorld();
    world.connector("web");
    const [victim, attacker] = [world.agent("web"), world.agent("web")];
    const [honest] = world.routed(victim, "web", request());
    const unique = new DataView(honest!.bytes.buffer).getUint32(12);
    const [spoofed] = world.routed(attacker, "web", request("x", { source: unique }));
    expect(new DataView(spoofed!.bytes.buffer).getUint32(12)).not.toBe(unique);
  });
});

describe("raw packets of agents", () => {
  test("of one service go there, and its absence is answered", () => {
    const world = new RelayWorld();
    const agent = world.agent("web");
    expectDrop(world, "agent", "no-connector", () => world.datagram(agent, request()), 1);
    const connector = world.connector("web");
    expect(world.datagram(agent, request())).toMatchObject([{ to: connector }]);
  });

  test("of several services go to the only one that is served, and stay there when others follow", () => {
    const world = new RelayWorld();
    const agent = world.agent("web");
    world.register(agent, "agent", "db");
    expectDrop(world, "agent", "no-connector", () => world.datagram(agent, request()), 1);
    const db = world.connector("db");
    expect(world.datagram(agent, request())).toMatchObject([{ to: db }]);
    const web = world.connector("web");
    expect(world.datagram(agent, request())).toMatchObject([{ to: db }]);
    const elsewhere = request("x", { destination: ip("10.100.0.2") });
    expectDrop(world, "agent", "ambiguous-service", () => world.datagram(agent, elsewhere));
    expect(world.routed(agent, "web", elsewhere)).toMatchObject([{ to: web }]);
    expect(world.datagram(agent, elsewhere)).toMatchObject([{ to: web }]);
  });

  test("destinations are remembered in bounded number", () => {
    const world = new RelayWorld();
    const agent = world.agent("web");
    world.register(agent, "agent", "db");
    const web = world.connector("web");
    world.connector("db");
    const packetTo = (host: number) => request("x", { destination: ip("10.0.0.0") + host });
    for (let host = 1; host <= 300; host += 1) world.routed(agent, "web", packetTo(host));
    expectDrop(world, "agent", "ambiguous-service", () => world.datagram(agent, packetTo(44)));
    expect(world.datagram(agent, packetTo(45))).toMatchObject([{ to: web }]);
    expect(world.datagram(agent, packetTo(300))).toMatchObject([{ to: web }]);
  });
});

describe("sizes", () => {
  test("a packet that the next hop cannot take is dropped; who forbids fragmentation is told the size", () => {
    const world = new RelayWorld();
    const connector = world.connector("web", { maxDatagram: 200 });
    const agent = world.agent("web");
    const large = request("x".repeat(300));
    expectDrop(world, "agent", "too-large", () => world.routed(agent, "web", large), 1);
    expectDrop(world, "agent", "too-large", () => world.routed(agent, "web", withFreshChecksums(large.with(6, 0))));
    expect(world.routed(agent, "web", request("x".repeat(172)))).toMatchObject([{ to: connector }]);
    expectDrop(world, "agent", "too-large", () => world.routed(agent, "web", request("x".repeat(173))), 1);
    expect(world.relay.stats.answers["fragmentation-needed"]).toBe(2);
    world.handle({ type: "datagram-limit", peer: connector, maxDatagram: 1306 });
    expect(world.routed(agent, "web", large)).toMatchObject([{ to: connector }]);
  });

  test("a reply that the agent's hop cannot take is answered to the connector", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agent = world.agent("web", { maxDatagram: 200 });
    const [there] = world.routed(agent, "web", request());
    const large = reply(there!.bytes, "y".repeat(300));
    let answers: Sent[] = [];
    expectDrop(world, "connector", "too-large", () => (answers = world.datagram(connector, large)), 1);
    expect(answers).toMatchObject([{ to: connector }]);
    expect([...answers[0]!.bytes.subarray(28, 56)]).toEqual([...large.subarray(0, 28)]);
    expect(new DataView(answers[0]!.bytes.buffer).getUint16(26)).toBe(200);
  });

  test.each([
    ["both hops wide", 1306, 1306, 1266, 1261],
    ["a narrow agent", 1156, 1306, 1116, 1111],
    ["a narrow connector", 1306, 1156, 1116, 1116],
    ["the reference's agent, which sends less than it takes", 1310, 1306, 1266, 1111],
  ])("%s: SYN and SYN|ACK announce what fits", (_what, agentLimit, connectorLimit, toConnector, toAgent) => {
    const world = new RelayWorld();
    const connector = world.connector("web", { maxDatagram: connectorLimit });
    const agent = world.agent("web", { maxDatagram: agentLimit });
    const [syn] = world.routed(agent, "web", segment(TCP_SYN, AGENT_END));
    expect(mssOf(syn!.bytes)).toBe(toConnector);
    const ends = { source: AGENT_END.destination, destination: new DataView(syn!.bytes.buffer).getUint32(12) };
    const [synAck] = world.datagram(connector, segment(TCP_SYN | TCP_ACK, { ...AGENT_END, ...ends }));
    expect(mssOf(synAck!.bytes)).toBe(toAgent);
    expect(withFreshChecksums(synAck!.bytes)).toEqual(synAck!.bytes);
    expect(ipv4Destination(synAck!.bytes)).toBe(AGENT_END.source);
    expect(world.relay.stats.segmentsClamped).toBe(2);
  });
});

describe("a connection that takes no datagram now", () => {
  test("costs a drop of the hop that the datagram came from", () => {
    const world = new RelayWorld();
    const connector = world.connector("web");
    const agent = world.agent("web");
    const [there] = world.routed(agent, "web", request());
    world.full.add(connector);
    expectDrop(world, "agent", "queue-full", () => world.routed(agent, "web", request()));
    world.full.delete(connector);
    world.full.add(agent);
    expectDrop(world, "connector", "queue-full", () => world.datagram(connector, reply(there!.bytes)));
    world.full.delete(agent);
    expect(world.datagram(connector, reply(there!.bytes))).toHaveLength(1);
  });
});

describe("an address in doubt", () => {
  test("holds TCP back until the older connection answers, and nothing else", () => {
    const world = new RelayWorld();
    const laptop = { identity: certificate("laptop") };
    const connector = world.connector("web");
    const older = world.agent("web", laptop);
    const [before] = world.routed(older, "web", request());
    world.advance(2000);
    const newer = world.connect(laptop);
    const registering = encodeRegistration("agent", "web");
    world.datagram(newer, registering);
    const ack = segment(TCP_ACK, AGENT_END);
    expectDrop(world, "agent", "address-contested", () => world.routed(newer, "web", ack));
    const [udp] = world.routed(newer, "web", request());
    world.advance(20);
    const [tcp] = world.routed(newer, "web", ack);
    expect(sourceOf(tcp!)).toBe(sourceOf(udp!));
    expect(world.datagram(connector, reply(before!.bytes))).toMatchObject([{ to: older }]);
    expect(world.datagram(connector, reply(udp!.bytes))).toMatchObject([{ to: newer }]);
  });

  test("goes to the newcomer a second later when nothing is heard: its flows go on, no reply is lost", () => {
    const world = new RelayWorld();
    const laptop = { identity: certificate("laptop") };
    const connector = world.connector("web");
    const older = world.agent("web", laptop);
    const [before] = world.routed(older, "web", request());
    world.advance(2000);
    world.dead.add(older);
    const newer = world.agent("web", laptop);
    const ack = segment(TCP_ACK, AGENT_END);
    expectDrop(world, "agent", "address-contested", () => world.routed(newer, "web", ack));
    const [udp] = world.routed(newer, "web", request());
    expect(sourceOf(udp!)).not.toBe(sourceOf(before!));
    world.advance(1000);
    const [tcp] = world.routed(newer, "web", ack);
    expect(sourceOf(tcp!)).toBe(sourceOf(before!));
    for (const received of [udp!, before!]) {
      expect(world.datagram(connector, reply(received.bytes))).toMatchObject([{ to: newer }]);
    }
    expect(world.pings.filter(({ peer }) => peer === older)).toHaveLength(1);
  });
});

test("an address that replies go to is in use, and is not given up for another source", () => {
  const world = new RelayWorld({ limits: { addressesPerConnection: 2 } });
  const connector = world.connector("web");
  const agent = world.agent("web");
  const sources = ["192.168.0.1", "192.168.0.2", "192.168.0.3"].map((host) => request("x", { source: ip(host) }));
  const [first] = world.routed(agent, "web", sources[0]!);
  world.advance(1);
  world.routed(agent, "web", sources[1]!);
  world.advance(9000);
  world.datagram(connector, reply(first!.bytes));
  world.advance(1000);
  expect(world.routed(agent, "web", sources[2]!)).toHaveLength(1);
  expect(world.datagram(connector, reply(first!.bytes))).toMatchObject([{ to: agent }]);
  expectDrop(world, "agent", "too-many-addresses", () => world.routed(agent, "web", sources[1]!));
});

test("the relay passes on a view of what it read, and one command object", () => {
  const world = new RelayWorld();
  world.connector("web");
  const agent = world.agent("web");
  const outputs = [1, 2].map(() => {
    const bytes = encodeRouted("web", request());
    world.relay.handle({ type: "datagram", peer: agent, bytes }, world.now);
    const output = world.relay.poll();
    if (output?.type !== "send") throw new Error("nothing was sent");
    expect(output.bytes.buffer).toBe(bytes.buffer);
    return output;
  });
  expect(outputs[0]).toBe(outputs[1]!);
});

function sourceOf({ bytes }: Sent): number {
  return new DataView(bytes.buffer).getUint32(12);
}

function segment(flags: number, ends: typeof AGENT_END): Uint8Array {
  const options = (flags & TCP_SYN) === 0 ? new Uint8Array(0) : new Uint8Array([2, 4, 0x05, 0xb4]);
  return encodeTcp({ ...ends, sequence: 1, acknowledgement: 0, flags, window: 1000, options });
}

function mssOf(packet: Uint8Array): number {
  return new DataView(packet.buffer).getUint16(42);
}
