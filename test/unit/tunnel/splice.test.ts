// Two ends with a kernel that exists only here: what comes out of which side, and how ends and failures are passed on.
import { expect, test } from "bun:test";
import type { ConnectionLimits } from "../../../src/tcp/connection-options.ts";
import { exchange, SplicedEnd } from "../../support/spliced-end.ts";

const FLOW = { source: 1, sourcePort: 1000, destination: 2, destinationPort: 80 };
const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

/** A connection, held and accepted; both streams have id 1. */
function connected(limits: Partial<ConnectionLimits> = {}) {
  const agent = new SplicedEnd(limits);
  const connector = new SplicedEnd(limits);
  agent.dial(FLOW, 0);
  exchange(agent, connector, 0);
  connector.opened(1);
  exchange(agent, connector, 1);
  return { agent, connector, settle: (now: number) => exchange(agent, connector, now) };
}

test("a held connection says nothing until its stream is open, then both ends know", () => {
  const agent = new SplicedEnd();
  const connector = new SplicedEnd();
  agent.dial(FLOW, 0);
  exchange(agent, connector, 0);
  expect(agent.established).toBe(0);
  connector.opened(1);
  exchange(agent, connector, 5);
  expect([agent.established, connector.established]).toEqual([1, 1]);
});

test("a stream that cannot be opened resets the connection and the stream at the other end", () => {
  const agent = new SplicedEnd();
  const connector = new SplicedEnd();
  agent.dial(FLOW, 0);
  exchange(agent, connector, 0);
  connector.refused(1);
  exchange(agent, connector, 1);
  expect(agent.stream(1).closed).toBe("reset");
  expect([agent.stack.size, connector.stack.size]).toEqual([0, 0]);
});

test("bytes go both ways, also what the program wrote before the connection was there", () => {
  const agent = new SplicedEnd();
  const connector = new SplicedEnd();
  agent.dial(FLOW, 0);
  agent.bring(1, bytes(3000), 0);
  exchange(agent, connector, 0);
  connector.opened(1);
  exchange(agent, connector, 1);
  exchange(agent, connector, 50);
  expect(connector.stream(1).written).toEqual([...bytes(3000)]);
  connector.bring(1, bytes(50_000, 7), 60);
  exchange(agent, connector, 60);
  expect(agent.stream(1).written).toEqual([...bytes(50_000, 7)]);
});

test("a stream that takes nothing closes the window, and what it takes opens it", () => {
  const { agent, connector, settle } = connected({ receiveBufferBytes: 20_000, sendBufferBytes: 20_000 });
  connector.stream(1).room = 5_000;
  let brought = 0;
  let now = 10;
  while (agent.bring(1, bytes(4_000, brought), now)) {
    brought += 4_000;
    settle(now);
    now += 100;
  }
  // What the kernel took, what the window held, what waits to be sent, and the piece that did not fit.
  expect(brought).toBeGreaterThanOrEqual(40_000);
  expect(brought).toBeLessThanOrEqual(5_000 + 20_000 + 20_000 + 8_000);
  expect(connector.stream(1).written.length).toBe(5_000);
  connector.makeRoom(1, 1e9);
  for (const end = now + 10_000; now < end; now += 250) settle(now);
  expect(connector.stream(1).written).toEqual([...bytes(brought)]);
  expect(agent.stream(1).paused).toBe(false);
});

test("each direction ends by itself: a late answer still arrives after the question's end", () => {
  const { agent, connector, settle } = connected();
  agent.bring(1, bytes(100), 10);
  agent.finish(1, "ended", 10);
  settle(10);
  expect(connector.stream(1)).toMatchObject({ written: [...bytes(100)], ended: true, closed: undefined });
  connector.bring(1, bytes(2_000), 8_000);
  settle(8_000);
  connector.finish(1, "ended", 8_001);
  settle(8_001);
  settle(8_100);
  expect(agent.stream(1)).toMatchObject({ written: [...bytes(2_000)], ended: true, closed: "gracefully" });
  expect(connector.stream(1).closed).toBe("gracefully");
});

test("an end that comes with bytes behind what is full is passed on after them", () => {
  const { agent, connector, settle } = connected({ receiveBufferBytes: 4_000, sendBufferBytes: 4_000 });
  connector.stream(1).room = 0;
  agent.bring(1, bytes(10_000), 10);
  agent.finish(1, "ended", 10);
  settle(10);
  expect(connector.stream(1).ended).toBe(false);
  connector.makeRoom(1, 1e9);
  for (let now = 20; now < 10_000; now += 250) settle(now);
  expect(connector.stream(1)).toMatchObject({ written: [...bytes(10_000)], ended: true });
});

test("a stream that breaks resets the connection, and the stream at the other end", () => {
  const { agent, connector, settle } = connected();
  connector.finish(1, "broken", 10);
  settle(10);
  expect(agent.stream(1).closed).toBe("reset");
  expect([agent.stack.size, connector.stack.size]).toEqual([0, 0]);
});

test("a stream that breaks while a write is under way does not hold the reset back", () => {
  const { agent, connector } = connected();
  const splice = connector.session(1).owner.splice!;
  agent.bring(1, bytes(10), 10);
  for (const packet of agent.turn(10)) connector.receive(packet, 10);
  splice.pump(10); // a write is offered, and instead of an answer the stream breaks
  expect(splice.writing).toBe(true);
  splice.broken();
  expect(splice.writing).toBe(false);
});
