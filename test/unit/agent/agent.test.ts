// The agent as its relay sees it, and what it lets through to its host.
import { describe, expect, test } from "bun:test";
import { encodeAck, encodeObservedAddress, NACK_NOT_GRANTED } from "../../../src/wire/tunnel.ts";
import { AgentWorld, SERVICES } from "../../support/agent-world.ts";
import { ip, udp } from "../../support/connector-world.ts";
import { hex } from "../../support/vectors.ts";

const OURS = "100.64.0.1:5000";
const WEB = "10.100.0.2:80";

describe("from the relay to the device", () => {
  test("a packet of a service to our address is delivered", () => {
    const world = new AgentWorld().connect();
    world.fromTun(udp(OURS, WEB));
    const reply = udp(WEB, OURS);
    expect(world.fromRelay(reply)).toEqual([reply]);
    expect(world.agent.stats.hops.relay).toMatchObject({ received: 3, forwarded: 1 });
    expect(world.agent.stats.control).toBe(2);
  });

  test("everything else is counted with one reason and does not reach the host", () => {
    const world = new AgentWorld().connect(1306, { "echo-service": NACK_NOT_GRANTED });
    const cases: [Uint8Array, string][] = [
      [udp("10.100.0.9:80", OURS), "foreign-source"],
      [udp("127.0.0.1:80", OURS), "foreign-source"],
      [udp("10.100.0.1:7", OURS), "foreign-source"],
      [udp(WEB, "100.64.0.2:5000"), "foreign-destination"],
      [udp(WEB, "127.0.0.1:5000"), "foreign-destination"],
      [udp(WEB, OURS), "unsolicited"],
      [udp(WEB, OURS).subarray(0, 30), "bad-total-length"],
      [hex("60000000 00000000"), "unexpected"],
      [new Uint8Array(0), "unexpected"],
      [encodeAck("another"), "unexpected"],
    ];
    for (const [bytes] of cases) expect(world.fromRelay(bytes)).toEqual([]);
    expect(world.dropped).toEqual({
      "foreign-source": 3,
      "foreign-destination": 2,
      unsolicited: 1,
      "bad-total-length": 1,
      unexpected: 3,
    });
  });

  test("what comes on another connection is not for us", () => {
    const world = new AgentWorld().connect();
    world.handle({ type: "datagram", peer: 5, bytes: udp(WEB, OURS) });
    expect(world.written).toEqual([]);
    expect(world.dropped).toEqual({ "stale-connection": 1 });
  });

  test("messages about the connection end here", () => {
    const world = new AgentWorld().connect();
    expect(world.fromRelay(encodeObservedAddress(ip("203.0.113.5"), 1234))).toEqual([]);
    expect(world.agent.uplink.observedAddress).toEqual({ address: ip("203.0.113.5"), port: 1234 });
    expect(world.agent.stats.control).toBe(3);
  });

  test("without a device nothing is written", () => {
    const world = new AgentWorld(SERVICES, { tunAddress: undefined }).connect();
    expect(world.fromRelay(udp(WEB, OURS))).toEqual([]);
    expect(world.dropped).toEqual({ "foreign-destination": 1 });
    expect(world.mtus).toEqual([]);
  });
});

describe("the largest packet", () => {
  test("is what the longest service id leaves of a datagram, and changes with it", () => {
    const world = new AgentWorld();
    expect(world.agent.mtu).toBe(0);
    world.connect(1306);
    expect(world.mtus).toEqual([1306 - 14]);
    expect([...world.agent.status()].map(({ maxPacket }) => maxPacket)).toEqual([1301, 1292]);
    const { peer } = world;
    world.handle({ type: "datagram-limit", peer, maxDatagram: 1200 });
    world.handle({ type: "datagram-limit", peer, maxDatagram: 1200 });
    expect(world.mtus).toEqual([1292, 1186]);
    world.disconnect();
    expect(world.mtus).toEqual([1292, 1186]);
    expect([...world.agent.status()].map(({ maxPacket }) => maxPacket)).toEqual([0, 0]);
  });
});

describe("the relay connection", () => {
  test("carries every service, and registers each again when it comes back", () => {
    const world = new AgentWorld().connect();
    expect(world.notices.map(({ event, fields }) => `${event} ${fields.service ?? ""}`)).toEqual([
      "connected ",
      "registered web",
      "registered echo-service",
    ]);
    world.disconnect();
    expect([...world.agent.status()].map(({ registration }) => registration)).toEqual(["pending", "pending"]);
    world.now = world.agent.deadline()!;
    world.connect();
    expect(world.fromTun(udp(OURS, WEB))).toHaveLength(1);
    expect(world.agent.uplink.stats.reconnections).toBe(1);
  });

  test("is given up for good when the relay does not want the credentials from the first", () => {
    const world = new AgentWorld();
    world.connect(1306);
    const fresh = new AgentWorld();
    fresh.handle({ type: "timeout" });
    fresh.handle({ type: "dialing", dial: 1, peer: 9 });
    fresh.handle({ type: "dial-failed", peer: 9, reason: "no-client-cert", detail: "" });
    expect(fresh.others.map(({ type }) => type)).toContain("fatal");
    expect(fresh.agent.connection).toBe("failed");
  });

  test("ends with a goodbye", () => {
    const world = new AgentWorld().connect();
    world.agent.stop(world.now);
    world.drain();
    expect(world.others).toEqual([
      { type: "close", peer: world.peer, layer: "application", code: 0, reason: "stopped" },
    ]);
    expect(world.agent.deadline()).toBeUndefined();
    expect(world.fromTun(udp(OURS, WEB))).toEqual([]);
  });
});
