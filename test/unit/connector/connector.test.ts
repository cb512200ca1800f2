// UDP through the connector as its relay and its backends see it: every output, every count.
import { describe, expect, test } from "bun:test";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import { encodeAck } from "../../../src/wire/tunnel.ts";
import { checkUdp, udpDestinationPort, udpPayloadStart, udpSourcePort } from "../../../src/wire/udp.ts";
import { AGENT, bytesOf, ConnectorWorld, ECHO, openFlow, udp, WEB } from "../../support/connector-world.ts";
import { withFreshHeader } from "../../support/inner-packets.ts";
import { hex, vector } from "../../support/vectors.ts";

describe("UDP through the connector", () => {
  test("the first packet of a flow opens a backend socket, the next ones use it", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    expect(world.fromRelay("echo-service", vector("hello"))).toEqual([
      { type: "udp-open", backend: 1, host: "127.0.0.1", port: 9999 },
      { type: "udp-send", backend: 1, bytes: bytesOf("hello") },
    ]);
    expect(world.fromRelay("echo-service", vector("hello"))).toEqual([
      { type: "udp-send", backend: 1, bytes: bytesOf("hello") },
    ]);
    expect(world.connector.flowCount).toBe(1);
  });

  test("the reply comes from the virtual address and port that the agent used, with a checksum", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const backend = openFlow(world, "echo-service", vector("hello"));
    const [reply] = world.fromBackend(backend, bytesOf("hello"));
    // The header of the document's reply with the virtual source instead of the backend's.
    expect(reply!.subarray(0, 26)).toEqual(
      hex("45000021000040004011cc26 0a640001 64400001 270f9c40000d").subarray(0, 26),
    );
    expect(checkIpv4(reply!)).toBeUndefined();
    expect(checkUdp(reply!)).toBeUndefined();
    expect(reply!.subarray(26, 28)).not.toEqual(new Uint8Array(2));
    expect(reply!.subarray(28)).toEqual(bytesOf("hello"));
  });

  test("answers of two flows are never mixed up", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const flows = ["100.64.0.1:5000", "100.64.0.1:5001", "100.64.0.2:5000"].map((from) => ({
      from,
      backend: openFlow(world, "echo-service", udp(from, "10.100.0.1:7")),
    }));
    for (const { from, backend } of flows.reverse()) {
      const [reply] = world.fromBackend(backend, bytesOf(from));
      expect(reply).toEqual(udp("10.100.0.1:7", from, from));
    }
  });

  test("empty payloads go both ways", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const commands = world.fromRelay("echo-service", udp(`${AGENT}:1`, "10.100.0.1:2", ""));
    expect(commands[1]).toEqual({ type: "udp-send", backend: 1, bytes: new Uint8Array(0) });
    expect(world.fromBackend(1, new Uint8Array(0))).toEqual([udp("10.100.0.1:2", `${AGENT}:1`, "")]);
  });

  test("what follows the UDP length is not payload", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const padded = Uint8Array.from([...vector("hello"), 1, 2, 3]);
    const packet = withFreshHeader(padded)!;
    expect(world.fromRelay("echo-service", packet)[1]).toEqual({
      type: "udp-send",
      backend: 1,
      bytes: bytesOf("hello"),
    });
  });

  test("the largest reply fits the datagram exactly; one byte more is counted and lost", () => {
    const world = new ConnectorWorld([ECHO]).connect(1306);
    const backend = openFlow(world, "echo-service", vector("hello"));
    expect(world.fromBackend(backend, new Uint8Array(1278))[0]).toHaveLength(1306);
    expect(world.fromBackend(backend, new Uint8Array(1279))).toEqual([]);
    expect(world.dropped).toEqual({ "reply-too-large": 1 });
    const peer = world.peers.get("echo-service")!;
    world.handle({ type: "datagram-limit", peer, maxDatagram: 1400 });
    expect(world.fromBackend(backend, new Uint8Array(1279))).toHaveLength(1);
  });

  test("a flow without traffic from the agent lapses after a minute, whatever the backend sends", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const backend = openFlow(world, "echo-service", vector("hello"));
    world.advance(59_000);
    expect(world.fromBackend(backend, bytesOf("still here"))).toHaveLength(1);
    world.commands.length = 0;
    world.advance(1000);
    expect(world.commands).toEqual([{ type: "udp-close", backend }]);
    expect(world.fromBackend(backend, bytesOf("too late"))).toEqual([]);
    expect(world.dropped).toEqual({ "reply-unknown-flow": 1 });
  });

  test("traffic from the agent keeps a flow", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    openFlow(world, "echo-service", vector("hello"));
    for (let minute = 0; minute < 5; minute++) {
      world.advance(50_000);
      expect(world.fromRelay("echo-service", vector("hello"))).toHaveLength(1);
    }
    expect(world.connector.deadline()).toBeLessThanOrEqual(world.now + 3000);
  });

  test("a backend that refuses ends the flow; the next packet tries again", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    const backend = openFlow(world, "echo-service", vector("hello"));
    world.handle({ type: "udp-failed", backend, reason: "refused" });
    world.handle({ type: "udp-failed", backend, reason: "refused" });
    expect(world.connector.flowCount).toBe(0);
    expect(openFlow(world, "echo-service", vector("hello"))).toBe(backend + 1);
    expect(world.connector.stats.backendFailures).toMatchObject({ refused: 1 });
  });

  test("a failing backend is reported once, and its recovery too", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    world.notices.length = 0;
    for (let attempt = 0; attempt < 3; attempt++) {
      const backend = openFlow(world, "echo-service", vector("hello"));
      world.handle({ type: "udp-failed", backend, reason: "refused" });
    }
    const backend = openFlow(world, "echo-service", vector("hello"));
    world.fromBackend(backend, bytesOf("hello"));
    world.fromBackend(backend, bytesOf("hello"));
    world.handle({ type: "udp-failed", backend, reason: "refused" });
    expect(world.notices.map(({ event }) => event)).toEqual(["backend-unavailable", "backend-available"]);
    expect(world.notices[0]!.fields).toEqual({ service: "echo-service", reason: "refused" });
  });
});

describe("a service without a virtual address", () => {
  test("takes any destination and answers from it", () => {
    const world = new ConnectorWorld([{ id: "old", backend: { host: "127.0.0.1", port: 9999 } }]).connect();
    const backend = openFlow(world, "old", udp(`${AGENT}:1`, "192.0.2.7:1234"));
    expect(world.fromBackend(backend, bytesOf("x"))).toEqual([udp("192.0.2.7:1234", `${AGENT}:1`, "x")]);
  });
});

describe("limits of UDP flows", () => {
  const limits = { flows: 8, flowsPerAgent: 3, newFlowsPerSecond: 10, newFlowsBurst: 5 };

  test("an agent's fourth flow takes the place of its least recently used one", () => {
    const world = new ConnectorWorld([ECHO], { udp: limits }).connect();
    for (const port of [1, 2, 3]) openFlow(world, "echo-service", udp(`${AGENT}:${port}`, "10.100.0.1:7"));
    world.fromRelay("echo-service", udp(`${AGENT}:1`, "10.100.0.1:7"));
    expect(world.fromRelay("echo-service", udp(`${AGENT}:4`, "10.100.0.1:7"))).toMatchObject([
      { type: "udp-close", backend: 2 },
      { type: "udp-open", backend: 4 },
      { type: "udp-send", backend: 4 },
    ]);
    expect(world.connector.stats).toMatchObject({ flowsOpened: 4, flowsEvicted: 1 });
  });

  test("the total is bounded", () => {
    const world = new ConnectorWorld([ECHO], { udp: limits }).connect();
    for (let agent = 1; agent <= 50; agent++) {
      world.fromRelay("echo-service", udp(`100.64.0.${agent}:1`, "10.100.0.1:7"));
      expect(world.connector.flowCount).toBeLessThanOrEqual(8);
    }
    expect(world.connector.stats.flowsEvicted).toBe(42);
  });

  test("an agent that opens flows too fast is slowed down, another is not", () => {
    const world = new ConnectorWorld([ECHO], { udp: limits }).connect();
    for (let port = 1; port <= 20; port++) world.fromRelay("echo-service", udp(`${AGENT}:${port}`, "10.100.0.1:7"));
    expect(world.dropped).toEqual({ "flow-rate": 15 });
    expect(world.fromRelay("echo-service", udp(`${AGENT}:5`, "10.100.0.1:7"))).toHaveLength(1);
    expect(world.fromRelay("echo-service", udp("100.64.0.2:1", "10.100.0.1:7"))).toHaveLength(2);
    world.advance(100);
    expect(world.fromRelay("echo-service", udp(`${AGENT}:21`, "10.100.0.1:7"))).toHaveLength(3);
  });
});

test("what agents sent and what backends sent is accounted for to the last packet", () => {
  const world = new ConnectorWorld([ECHO, WEB]).connect();
  const packets = [vector("hello"), vector("echoRequest"), vector("tcpSyn"), hex("00"), hex(""), encodeAck("web")];
  for (const service of ["echo-service", "web"]) {
    for (const packet of packets) world.fromRelay(service, packet);
  }
  for (const [backend, length] of [
    [1, 5],
    [1, 2000],
    [99, 5],
  ] as const) {
    world.fromBackend(backend, new Uint8Array(length));
  }
  const { hops, control, answered } = world.connector.stats;
  const sum = (counts: Partial<Record<string, number>>) => Object.values(counts).reduce((a, b) => a! + b!, 0);
  expect(hops.agent.received).toBe(2 + 12); // registration answers first
  expect(hops.agent.received).toBe(control + hops.agent.forwarded + answered + sum(hops.agent.dropped)!);
  expect(hops.backend).toMatchObject({ received: 3, receivedBytes: 2010, forwarded: 1, forwardedBytes: 5 });
  expect(hops.backend.received).toBe(hops.backend.forwarded + sum(hops.backend.dropped)!);
});

test("replies mirror the packet that opened the flow", () => {
  const world = new ConnectorWorld([ECHO]).connect();
  const request = udp("100.70.1.2:6000", "10.100.0.1:7000");
  const [reply] = world.fromBackend(openFlow(world, "echo-service", request), bytesOf("pong"));
  expect(ipv4Source(reply!)).toBe(ipv4Destination(request));
  expect(ipv4Destination(reply!)).toBe(ipv4Source(request));
  expect(udpSourcePort(reply!)).toBe(udpDestinationPort(request));
  expect(udpDestinationPort(reply!)).toBe(udpSourcePort(request));
  expect(reply!.subarray(udpPayloadStart(reply!))).toEqual(bytesOf("pong"));
});
