// What strangers and greedy agents may cost: connection attempts, connections, memory, time.
import { describe, expect, test } from "bun:test";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { encodeTcp, TCP_ACK, TCP_RST, TCP_SYN, tcpFlags } from "../../../src/wire/tcp.ts";
import { AGENT, ip, WEB } from "../../support/connector-world.ts";
import { TcpWorld } from "../../support/tcp-world.ts";

function syn(source: string, sourcePort: number): Uint8Array {
  const to = { destination: ip("10.100.0.2"), destinationPort: 80 };
  const numbers = { sequence: 1000, acknowledgement: 0, window: 65_535 };
  return encodeTcp({ source: ip(source), sourcePort, ...to, ...numbers, flags: TCP_SYN });
}

const isReset = (packets: readonly Uint8Array[]) => packets.length === 1 && (tcpFlags(packets[0]!) & TCP_RST) !== 0;

describe("connection attempts", () => {
  test("of twenty in a second ten are dialled and ten reset; another agent has its own ten", () => {
    const tcp = new TcpWorld(WEB);
    const answers = Array.from({ length: 20 }, (_, i) => {
      const packets = tcp.inject(syn(AGENT, 1000 + i));
      tcp.world.now += 49;
      return packets;
    });
    expect(answers.filter(isReset)).toHaveLength(10);
    expect(tcp.backends).toHaveLength(10);
    expect(tcp.world.dropped).toEqual({ "syn-rate": 10 });
    expect(tcp.inject(syn("100.64.0.2", 1))).toEqual([]);
    tcp.world.now += 1000;
    expect(tcp.inject(syn(AGENT, 3000))).toEqual([]);
  });

  test("whose answer is on its way count once, however often they come", () => {
    const tcp = new TcpWorld(WEB);
    for (let i = 0; i < 100; i++) tcp.inject(syn(AGENT, 1000));
    expect(tcp.world.dropped).toEqual({});
    expect(tcp.inject(syn(AGENT, 1001))).toEqual([]);
  });

  test("from ever new addresses are bounded in memory and in backends", () => {
    const tcp = new TcpWorld(WEB, { tcp: { sessions: 100 } });
    for (let i = 0; i < 20_000; i++) {
      const source = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
      tcp.inject(syn(source, 1));
    }
    expect(tcp.backends).toHaveLength(100);
    const { dropped } = tcp.world;
    expect((dropped["session-limit"] ?? 0) + (dropped["syn-rate"] ?? 0)).toBe(19_900);
    expect(dropped["syn-rate"]).toBe(20_000 - 16_384);
  });
});

describe("connections", () => {
  test("of one agent are limited, whatever ports it uses; others are not concerned, and an end makes room", () => {
    const tcp = new TcpWorld(WEB, { tcp: { sessionsPerAgent: 3, synsPerSecond: 100 } });
    const all = Array.from({ length: 3 }, () => tcp.connected());
    expect(isReset(tcp.inject(syn(AGENT, 9)))).toBe(true);
    expect(tcp.world.dropped).toEqual({ "session-limit-of-agent": 1 });
    expect(tcp.inject(syn("100.64.0.2", 9))).toEqual([]);
    all[0]![0].connection.abort();
    tcp.run();
    expect(tcp.inject(syn(AGENT, 10))).toEqual([]);
  });

  test("that are idle stay as long as the agent answers, and end when it is gone", () => {
    const tcp = new TcpWorld(WEB, { tcp: { keepaliveMs: 600_000 } });
    const [agent, backend] = tcp.connected();
    tcp.advance(6 * 3_600_000);
    expect(agent.connection.state).toBe("established");
    expect(backend.closed).toBeUndefined();
    tcp.agents.length = 0; // gone without a word
    tcp.advance(600_000 + 4 * 30_000 + 1);
    expect(backend.closed).toBe("reset");
    expect(tcp.world.connector.sessionCount).toBe(0);
  });

  test("that are idle wake the connector no more often than none would", () => {
    const wakeups = (sessions: number) => {
      const tcp = new TcpWorld(WEB, { tcp: { synsPerSecond: 1e6, sessions: 1e5, sessionsPerAgent: 1e5 } });
      tcp.connectMany(sessions);
      tcp.advance(5_000);
      let count = 0;
      const end = tcp.now + 590_000 - 5_000;
      for (let due = tcp.world.connector.deadline()!; due < end; due = tcp.world.connector.deadline()!) {
        tcp.world.now = due;
        tcp.world.handle(TIMEOUT);
        for (const peer of tcp.world.peers.values()) tcp.world.handle({ type: "heard", peer });
        count++;
      }
      expect(tcp.world.connector.sessionCount).toBe(sessions);
      return count;
    };
    expect(wakeups(10_000)).toBe(wakeups(0));
  }, 30_000);

  test("that ended leave nothing behind", () => {
    const tcp = new TcpWorld(WEB, { tcp: { synsPerSecond: 1000 } });
    for (let i = 0; i < 50; i++) {
      const [agent, backend] = tcp.connected();
      if (i % 2 === 0) {
        tcp.end(backend);
        tcp.run();
        agent.close(tcp.now);
      } else {
        agent.close(tcp.now);
        tcp.run();
        tcp.end(backend);
      }
      tcp.run();
    }
    tcp.advance(60_000);
    expect(tcp.agents.every(({ connection }) => connection.state === "closed")).toBe(true);
    expect(tcp.world.connector.sessionCount).toBe(0);
    expect(tcp.backends.every(({ closed }) => closed === "gracefully")).toBe(true);
  });
});

test("a segment for a connection of another agent reaches nobody", () => {
  const tcp = new TcpWorld(WEB);
  const [agent, backend] = tcp.connected();
  const forged = encodeTcp({
    ...{ source: ip("100.64.0.99"), sourcePort: agent.flow.sourcePort },
    ...{ destination: ip("10.100.0.2"), destinationPort: 80 },
    ...{ sequence: 1, acknowledgement: 1, window: 1, flags: TCP_ACK, payload: Uint8Array.of(1, 2, 3) },
  });
  expect(isReset(tcp.inject(forged))).toBe(true);
  expect(backend.written).toEqual([]);
  expect(agent.events).toEqual(["established"]);
});
