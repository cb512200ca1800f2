// The relay connections of a connector: one for each service, lost and found again, refused, closed.
import { describe, expect, test } from "bun:test";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { encodeAck, encodeNack, encodeObservedAddress } from "../../../src/wire/tunnel.ts";
import { bytesOf, ConnectorWorld, ECHO, openFlow, WEB } from "../../support/connector-world.ts";
import { RELAY_ADDRESS } from "../../support/simulated-relay.ts";
import { hex, vector } from "../../support/vectors.ts";

describe("the relay connections of a connector", () => {
  test("each service has its own, and each registers its own service", () => {
    const world = new ConnectorWorld([ECHO, WEB, { ...WEB, protocol: "udp" }]).connect();
    expect([...world.peers.keys()]).toEqual(["echo-service", "web"]);
    expect(new Set(world.peers.values()).size).toBe(2);
    expect([...world.connector.status()]).toMatchObject([
      { service: "echo-service", connection: "connected", registration: "registered" },
      { service: "web", connection: "connected", registration: "registered" },
    ]);
  });

  test("one service denied, the others registered", () => {
    const world = new ConnectorWorld([ECHO, WEB]).connect();
    world.handle({ type: "datagram", peer: world.peers.get("web")!, bytes: encodeNack(2, "web") });
    expect([...world.connector.status()].map(({ registration, reason }) => [registration, reason])).toEqual([
      ["registered", undefined],
      ["denied", "not-granted"],
    ]);
  });

  test("flows survive the loss of the relay: replies are counted meanwhile and flow again afterwards", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const backend = openFlow(world, "echo-service", vector("hello"));
    const oldPeer = world.peers.get("echo-service")!;
    world.disconnect("echo-service");
    expect(world.fromBackend(backend, bytesOf("lost"))).toEqual([]);
    expect(world.dropped).toEqual({ "reply-not-connected": 1 });
    world.advance(1000);
    world.connect();
    expect(world.peers.get("echo-service")).not.toBe(oldPeer);
    expect(world.fromBackend(backend, bytesOf("again"))).toHaveLength(1);
    expect(world.fromRelay("echo-service", vector("hello"))).toHaveLength(1);
    expect([...world.connector.status()][0]).toMatchObject({ reconnections: 1 });
  });

  test("a datagram of a connection that was given up is counted and lost", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const oldPeer = world.peers.get("echo-service")!;
    world.disconnect("echo-service");
    world.handle({ type: "datagram", peer: oldPeer, bytes: vector("hello") });
    expect(world.commands).toEqual([]);
    expect(world.dropped).toEqual({ "stale-connection": 1 });
  });

  test("a relay cannot make it take control messages for data, nor data for control", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    for (const text of ["", "1003776562", "2f0377656245", "6000", "1200"]) {
      expect(world.fromRelay("echo-service", hex(text))).toEqual([]);
    }
    world.fromRelay("echo-service", encodeObservedAddress(1, 2));
    world.fromRelay("echo-service", encodeAck("other"));
    expect(world.dropped).toEqual({ unexpected: 6 });
    expect(world.connector.stats.control).toBe(2);
  });

  test("a credential failure of one service is not fatal once another had success", () => {
    const world = new ConnectorWorld([ECHO, WEB]);
    world.handle(TIMEOUT);
    for (const [dial, peer] of [
      [1, 5],
      [2, 6],
    ] as const) {
      world.handle({ type: "dialing", dial, peer });
    }
    world.handle({ type: "connected", peer: 5, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram: 1306 });
    world.handle({ type: "datagram", peer: 5, bytes: encodeAck("echo-service") });
    world.handle({ type: "dial-failed", peer: 6, reason: "expired", detail: "" });
    expect(world.others).toEqual([]);
    expect([...world.connector.status()].map(({ connection }) => connection)).toEqual(["connected", "connecting"]);
  });

  test("a credential failure before any success is fatal", () => {
    const world = new ConnectorWorld([ECHO, WEB]);
    world.handle(TIMEOUT);
    world.handle({ type: "dialing", dial: 1, peer: 5 });
    world.handle({ type: "dial-failed", peer: 5, reason: "wrong-name", detail: "" });
    expect(world.others).toMatchObject([{ type: "fatal", exit: "credentials", reason: "wrong-name" }]);
  });

  test("an attempt that nobody waits for is closed", () => {
    const world = new ConnectorWorld([ECHO]);
    world.handle({ type: "dialing", dial: 77, peer: 5 });
    expect(world.others).toMatchObject([{ type: "close", peer: 5 }]);
  });

  test("stopping says goodbye to the relay, closes the backends and ends all deadlines", () => {
    const world = new ConnectorWorld([ECHO, WEB]).connect();
    const backend = openFlow(world, "echo-service", vector("hello"));
    world.commands.length = 0;
    world.connector.stop(world.now);
    world.drain();
    const closed = { type: "close", layer: "application", code: 0, reason: "stopped" };
    expect(world.others).toMatchObject([...world.peers.values()].map((peer) => ({ ...closed, peer })));
    expect(world.commands).toEqual([{ type: "udp-close", backend }]);
    expect(world.connector.deadline()).toBeUndefined();
    world.handle(TIMEOUT);
    expect(world.connector.deadline()).toBeUndefined();
  });
});
