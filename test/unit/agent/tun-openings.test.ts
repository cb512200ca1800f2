// Many connections at once through the TUN device, against a connector that resets those beyond ten a second.
import { describe, expect, test } from "bun:test";
import { ipv4Protocol } from "../../../src/wire/ipv4.ts";
import { encodeRst, encodeTcp, TCP_ACK, TCP_RST, TCP_SYN } from "../../../src/wire/tcp.ts";
import { encodeRouted } from "../../../src/wire/tunnel.ts";
import { AgentWorld, TUN_ADDRESS } from "../../support/agent-world.ts";
import { ip } from "../../support/connector-world.ts";

const WEB = ip("10.100.0.2");

function segment(port: number, flags: number): Uint8Array {
  const numbers = { sequence: port, acknowledgement: 0, window: 64_000, payload: new Uint8Array(0) };
  return encodeTcp({
    ...{ source: TUN_ADDRESS, sourcePort: port, destination: WEB, destinationPort: 80, flags },
    ...numbers,
  });
}

function answer(port: number, flags: number): Uint8Array {
  const numbers = { sequence: 1, acknowledgement: port + 1, window: 64_000, payload: new Uint8Array(0) };
  return encodeTcp({
    ...{ source: WEB, sourcePort: 80, destination: TUN_ADDRESS, destinationPort: port, flags },
    ...numbers,
  });
}

/** Programs open `count` connections, from ports 1 on; which of the SYNs left. */
function burst(world: AgentWorld, count: number, from = 1): number[] {
  const left: number[] = [];
  for (let port = from; port < from + count; port += 1) {
    if (world.fromTun(segment(port, TCP_SYN)).length > 0) left.push(port);
  }
  return left;
}

/** The connector refuses this one; what the device got. */
const refuse = (world: AgentWorld, port: number) => world.fromRelay(encodeRst(segment(port, TCP_SYN))!);

/** Ports whose SYN goes out once `ms` have passed. */
function later(world: AgentWorld, ms: number): number[] {
  world.sent.length = 0;
  world.now += ms;
  world.handle({ type: "timeout" });
  return Array.from({ length: 300 }, (_, i) => i + 1).filter((port) =>
    world.sent.some((sent) => Buffer.compare(sent, encodeRouted("web", segment(port, TCP_SYN))) === 0),
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("one by one everything is as it was: a refusal is told at once", () => {
  const world = new AgentWorld().connect();
  expect(burst(world, 10)).toEqual(range(1, 10));
  expect(refuse(world, 3)).toHaveLength(1);
  expect(world.agent.stats.hops.relay.dropped).toEqual({});
});

describe("of a burst", () => {
  test("nothing waits until the connector refuses", () => {
    const world = new AgentWorld().connect();
    expect(burst(world, 50)).toEqual(range(1, 50));
    expect(world.fromRelay(answer(40, TCP_SYN | TCP_ACK))).toHaveLength(1);
    expect(later(world, 2_000)).toEqual([]);
  });

  test("what is refused goes out again, ten in a little more than a second, and programs hear nothing", () => {
    const world = new AgentWorld().connect();
    burst(world, 35);
    for (const port of range(11, 35)) expect(refuse(world, port)).toEqual([]);
    expect(later(world, 1_000)).toEqual([]);
    expect(later(world, 100)).toEqual(range(11, 20));
    expect(later(world, 1_100)).toEqual(range(21, 30));
    expect(later(world, 1_100)).toEqual(range(31, 35));
    expect(later(world, 10_000)).toEqual([]);
    expect(world.dropped).toEqual({ "hurried-refusal": 25 });
    expect(world.agent.stats.hops.tun).toMatchObject({ received: 60, forwarded: 60 });
  });

  test("a second refusal is believed", () => {
    const world = new AgentWorld().connect();
    burst(world, 11);
    expect(refuse(world, 11)).toEqual([]);
    expect(later(world, 1_100)).toEqual([11]);
    expect(refuse(world, 11)).toHaveLength(1);
  });

  test("those that come while others wait, wait behind them, and asking again does not help", () => {
    const world = new AgentWorld().connect();
    burst(world, 12);
    refuse(world, 11);
    refuse(world, 12);
    expect(burst(world, 2, 13)).toEqual([]);
    expect(burst(world, 2, 11)).toEqual([]);
    expect(world.dropped).toMatchObject({ "opening-pace": 4 });
    expect(later(world, 1_100)).toEqual(range(11, 14));
  });

  test("a reset of what was answered is passed on", () => {
    const world = new AgentWorld().connect();
    burst(world, 11);
    world.fromRelay(answer(11, TCP_SYN | TCP_ACK));
    expect(world.fromRelay(answer(11, TCP_RST | TCP_ACK))).toHaveLength(1);
  });

  test("what waits while the relay goes away is counted as lost: its program asks again", () => {
    const world = new AgentWorld().connect();
    burst(world, 11);
    refuse(world, 11);
    world.disconnect();
    expect(later(world, 1_100)).toEqual([]);
    world.connect();
    expect(world.dropped).toMatchObject({ "not-registered": 1 });
    world.now += 1_000;
    expect(burst(world, 1, 11)).toEqual([11]);
  });

  test("no more than 256 are remembered; of the others a refusal is believed", () => {
    const world = new AgentWorld().connect();
    burst(world, 10 + 256 + 1);
    expect(refuse(world, 266)).toEqual([]);
    expect(refuse(world, 267)).toHaveLength(1);
  });
});

test("other packets are no openings", () => {
  const world = new AgentWorld().connect();
  burst(world, 11);
  const established = segment(500, TCP_ACK);
  expect(ipv4Protocol(established)).toBe(6);
  refuse(world, 11);
  expect(world.fromTun(established)).toHaveLength(1);
});
