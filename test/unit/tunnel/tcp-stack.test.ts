// Many connections over one way: turns, room, memory, and what is left of connections that ended.
import { expect, test } from "bun:test";
import { TCP_ACK, TCP_RST, TCP_SYN, tcpFlags, tcpSourcePort } from "../../../src/wire/tcp.ts";
import { exchange, SplicedEnd } from "../../support/spliced-end.ts";

const flow = (port: number) => ({ source: 1, sourcePort: port, destination: 2, destinationPort: 80 });

function connected(count: number, ...settings: ConstructorParameters<typeof SplicedEnd>) {
  const agent = new SplicedEnd(...settings);
  const connector = new SplicedEnd(...settings);
  for (let i = 0; i < count; i++) agent.dial(flow(1000 + i), 0);
  exchange(agent, connector, 0);
  for (let i = 1; i <= count; i++) connector.opened(i);
  exchange(agent, connector, 1);
  return { agent, connector };
}

test("connections that wait to send take turns: none keeps the others waiting for long", () => {
  const { agent, connector } = connected(2);
  for (const id of [1, 2]) agent.bring(id, new Uint8Array(200_000), 10); // so that the windows are wide
  exchange(agent, connector, 10);
  for (const id of [1, 2]) agent.bring(id, new Uint8Array(100_000), 20);
  const ports = agent.turn(20, 60).map((packet) => tcpSourcePort(packet));
  expect(ports.length).toBe(60);
  expect(ports.filter((port) => port === 1000).length).toBeGreaterThanOrEqual(28);
  expect(ports.filter((port) => port === 1001).length).toBeGreaterThanOrEqual(28);
});

test("without room nothing is made, and what waits is made when there is room again", () => {
  const { agent, connector } = connected(1);
  agent.bring(1, new Uint8Array(5_000), 10);
  expect(agent.turn(10, 0)).toEqual([]);
  expect(agent.stack.busy).toBe(true);
  expect(agent.turn(11, 2).length).toBe(2);
  const rest = agent.turn(12);
  expect(rest.length).toBe(3);
  expect(agent.stack.busy).toBe(false);
  expect(connector.stack.busy).toBe(false);
});

test("everything that came in one go is acknowledged in one segment", () => {
  const { agent, connector } = connected(1);
  agent.bring(1, new Uint8Array(9_000), 10);
  const segments = agent.turn(10);
  expect(segments.length).toBeGreaterThan(6);
  for (const segment of segments) connector.receive(segment, 11);
  expect(connector.turn(11).length).toBe(1);
});

test("the SYN of a new connection takes the place of one that only remembers its end", () => {
  const { agent, connector } = connected(1);
  agent.finish(1, "ended", 10);
  exchange(agent, connector, 10);
  connector.finish(1, "ended", 11);
  exchange(agent, connector, 11);
  expect(agent.session(1).connection.state).toBe("time-wait");
  expect([agent.stack.timeWaitCount, connector.stack.size]).toEqual([1, 0]);
  // The other way round now: the connector's side is dialled by the same flow, so its SYN meets the old one's memory.
  const again = connector.dial({ source: 2, sourcePort: 80, destination: 1, destinationPort: 1000 }, 500);
  exchange(agent, connector, 500);
  agent.opened(2);
  exchange(agent, connector, 501);
  expect(connector.session(again).connection.state).toBe("established");
  expect([agent.stack.timeWaitCount, agent.stack.size]).toEqual([0, 1]);
});

test("memories of ended connections lapse, and the oldest make way when there are too many", () => {
  const { agent, connector } = connected(30, {}, 1200, 1e9, 20);
  for (let i = 1; i <= 30; i++) agent.finish(i, "ended", 10);
  exchange(agent, connector, 10);
  for (let i = 1; i <= 30; i++) connector.finish(i, "ended", 11);
  exchange(agent, connector, 11);
  expect([agent.stack.timeWaitCount, agent.stack.size, connector.stack.size]).toEqual([20, 20, 0]);
  expect(agent.stack.of(flow(1000))).toBeUndefined();
  expect(agent.stack.of(flow(1000 + 29))).toBeDefined();
  agent.turn(agent.stack.deadline()!);
  exchange(agent, connector, 60_000);
  expect([agent.stack.timeWaitCount, agent.stack.size]).toEqual([0, 0]);
  expect(agent.stack.deadline()).toBeUndefined();
});

test("a segment of nobody's is reset, and the reset of a stranger ends nothing", () => {
  const { agent, connector } = connected(1);
  const stray = new SplicedEnd();
  stray.dial(flow(9), 0);
  const [syn] = stray.turn(0);
  expect(tcpFlags(syn!)).toBe(TCP_SYN);
  expect(agent.stack.find(syn!)).toBeUndefined();
  const other = new SplicedEnd();
  other.receive(syn!, 0);
  other.refused(1);
  const [reset] = other.turn(0);
  expect(tcpFlags(reset!)).toBe(TCP_RST | TCP_ACK);
  expect(agent.receive(reset!, 1)).toBeUndefined(); // resets are never answered
  expect(agent.session(1).connection.state).toBe("established");
  expect(connector.session(1).connection.state).toBe("established");
});

test("when slow readers hold all the memory there is, a connection that holds much takes no more until they read", () => {
  const { agent, connector } = connected(2, {}, 1200, 100_000);
  connector.stream(1).room = 0;
  let now = 10;
  for (let i = 0; i < 60 && !agent.stream(1).paused; i++) {
    agent.bring(1, new Uint8Array(20_000), now);
    exchange(agent, connector, now);
    now += 50;
  }
  const held = connector.session(1).connection.readable;
  expect(held).toBeGreaterThan(64 * 1024);
  expect(held).toBeLessThan(200_000); // and not the 512 KiB of a window
  agent.bring(2, Uint8Array.of(1, 2, 3), now);
  exchange(agent, connector, now + 1);
  expect(connector.stream(2).written).toEqual([1, 2, 3]);
  connector.makeRoom(1, 1e9);
  for (const end = now + 50_000; now < end; now += 500) exchange(agent, connector, now);
  expect(connector.stream(1).written.length).toBeGreaterThan(held);
});
