// Our agents, through our relay, to the reference's connector. It loses nothing by itself as long as the path loses
// nothing, segments fit, and nobody closes one direction before the other: then everything works. The rest is lost
// whatever the other end does, and must end without hanging for ever.
import { describe, expect, test } from "bun:test";
import { ip } from "../support/connector-world.ts";
import type { LinkConditions } from "../support/network.ts";
import { Random } from "../support/random.ts";
import { ReferenceConnectorHost, type ReferenceServer } from "../support/reference-connector-host.ts";
import { RootlessAgentHost } from "../support/rootless-agent-host.ts";
import { SimulatedAgent } from "../support/simulated-agent.ts";
import { World } from "../support/world.ts";

const WEB = ip("10.100.0.2");

function setUp(server: ReferenceServer, conditions: Partial<LinkConditions> = { delayMs: 5 }) {
  const world = new World({ seed: 5, conditions });
  const random = new Random(5);
  const next = () => random.next();
  const host = world.add("connector", new ReferenceConnectorHost("web", next, server));
  const service = { id: "web", virtualIp: WEB };
  const agent = world.add("agent", new RootlessAgentHost({ service, port: 80, random: next }));
  world.runUntil(1000);
  const act = (body: () => void) => {
    body();
    world.pump("agent");
  };
  return { world, host, agent, act };
}

/** A request ends with a newline. */
function answering(bytes: Uint8Array, close = false, readBytes = 1000): ReferenceServer {
  return { readBytes, answer: (read) => (read.endsWith("\n") ? { bytes, close } : undefined) };
}

const RESPONSE = new Random(9).bytes(100_000);
const REQUEST = Buffer.from("give me\n");

describe("over TCP", () => {
  test("a request is answered, and both ends close", () => {
    const { world, host, agent, act } = setUp(answering(RESPONSE, true));
    act(() => agent.open(world.now));
    act(() => agent.write(REQUEST, world.now));
    world.runUntil(2000);
    expect(agent.ended).toBe(true);
    expect(agent.bytes).toEqual(RESPONSE);
    expect(host.readBy(1)).toEqual(new Uint8Array(REQUEST));
    act(() => agent.finish(world.now));
    // Nobody acknowledges that FIN: the flow is gone at the connector. The program need not know.
    world.runUntil(2001);
    expect(agent.closed).toBe("graceful");
    expect(host.connector.tcp.flowCount).toBe(0);
  });

  test("100 kB are uploaded in segments of 536 bytes", () => {
    const { world, host, agent, act } = setUp({});
    act(() => agent.open(world.now));
    act(() => agent.write(RESPONSE, world.now));
    world.runUntil(20_000);
    expect(host.readBy(1)).toEqual(RESPONSE);
    expect(Math.max(...host.read[1]!.map((block) => block.length))).toBe(536);
  });

  test("an upload over a path of changing delay is not repeated in part: every repetition would be written again", () => {
    const { world, host, agent, act } = setUp({}, { delayMs: 5, jitterMs: 90 });
    act(() => agent.open(world.now));
    act(() => agent.write(RESPONSE, world.now));
    world.runUntil(60_000);
    expect(host.readBy(1)).toEqual(RESPONSE);
  });

  test("requests follow one another on a connection that is kept", () => {
    const { world, host, agent, act } = setUp(answering(RESPONSE.subarray(0, 5000)));
    act(() => agent.open(world.now));
    for (let i = 1; i <= 10; i++) {
      act(() => agent.write(REQUEST, world.now));
      world.runUntil(world.now + 500);
      expect(agent.bytes.length).toBe(i * 5000);
    }
    expect(host.read.length).toBe(2);
    // It sends nothing for an idle minute, and keeps the flow.
    world.runUntil(world.now + 60_000);
    act(() => agent.write(REQUEST, world.now));
    world.runUntil(world.now + 500);
    expect(agent.bytes.length).toBe(55_000);
  });

  test("what a program says at once with its end arrives, as its FIN travels alone", () => {
    const { world, host, agent, act } = setUp({});
    act(() => agent.open(world.now));
    act(() => agent.write(RESPONSE.subarray(0, 700), world.now));
    act(() => agent.finish(world.now));
    world.runUntil(2000);
    expect(host.readBy(1)).toEqual(RESPONSE.subarray(0, 700));
  });

  test("a refused backend refuses at once", () => {
    const { world, agent, act } = setUp({ refuses: true });
    act(() => agent.open(world.now));
    world.runUntil(1100);
    expect(agent.closed).toBe("reset");
  });

  test("a block that fits no datagram is lost for ever, and nothing is left once the program has given up", () => {
    const server = answering(RESPONSE.subarray(0, 4000), false, 1310);
    const { world, host, agent, act } = setUp(server);
    act(() => agent.open(world.now));
    act(() => agent.write(REQUEST, world.now));
    world.runUntil(5000);
    expect(agent.bytes.length).toBe(0);
    expect(host.connector.uplink.tooLarge).toBe(3);
    world.runUntil(600_000);
    expect([agent.bytes.length, agent.closed, host.connector.tcp.flowCount]).toEqual([0, undefined, 1]);
    act(() => agent.breakOff(world.now));
    world.runUntil(600_100);
    expect(host.connector.tcp.flowCount).toBe(0);
  });
});

test("UDP is echoed to the one agent there is, from the backend's own address", () => {
  const world = new World({ seed: 6, conditions: { delayMs: 5 } });
  const random = new Random(6);
  world.add("connector", new ReferenceConnectorHost("web", () => random.next(), {}));
  const agent = world.add("agent", new SimulatedAgent(["web"], () => random.next()));
  world.runUntil(1000);
  agent.sendUdp("web", { address: WEB, port: 53 }, "hello", world.now);
  world.pump("agent");
  world.runUntil(2000);
  expect(agent.replies.map(({ payload, source, sourcePort }) => ({ payload, source, sourcePort }))).toEqual([
    { payload: "hello", source: ip("127.0.0.1"), sourcePort: 9999 },
  ]);
});

test("it registers when the relay comes back", () => {
  const { world, host } = setUp({});
  expect(host.connector.uplink.registration("web")).toBe("registered");
  world.killRelay();
  world.runUntil(world.now + 5000);
  world.startRelay();
  world.runUntil(world.now + 15_000);
  expect(host.connector.uplink.registration("web")).toBe("registered");
});
