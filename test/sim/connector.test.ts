// Agents, a relay and connectors together: whose payload comes back to whom, and what survives a crash.
import { describe, expect, test } from "bun:test";
import type { ServiceEntry } from "../../src/connector/services.ts";
import { ip } from "../support/connector-world.ts";
import { EchoConnector } from "../support/echo-connector.ts";
import { forEachSeed, Random } from "../support/random.ts";
import { SimulatedAgent } from "../support/simulated-agent.ts";
import { World, type WorldOptions } from "../support/world.ts";

const WEB: ServiceEntry = { id: "web", virtualIp: ip("10.100.0.1"), backend: { host: "web-1", port: 80 } };
const DNS: ServiceEntry = { id: "dns", virtualIp: ip("10.100.0.2"), backend: { host: "dns-1", port: 53 } };

/** A world with a connector for both services and agents that all use the same inner address and port. */
function setUp(agentCount: number, options: WorldOptions) {
  const world = new World(options);
  const random = new Random(options.seed);
  const next = () => random.next();
  const connector = world.add("connector", new EchoConnector({ services: [WEB, DNS], random: next }));
  const agents = Array.from({ length: agentCount }, (_, index) => {
    const name = `agent-${index}`;
    return { name, agent: world.add(name, new SimulatedAgent(["web", "dns"], next)), sent: [] as string[] };
  });
  world.runUntil(3000);
  return { world, connector, agents, next };
}

type Agents = ReturnType<typeof setUp>["agents"];

/** Numbered payloads, each agent every `everyMs` to one service after the other. */
function sendAlong(world: World, agents: Agents, from: number, to: number, everyMs: number): void {
  for (const [index, each] of agents.entries()) {
    const send = (at: number, count: number) => {
      if (at >= to) return;
      world.at(at, () => {
        sendOne(world, each, count);
        send(at + everyMs, count + 1);
      });
    };
    send(from + index * 0.3, 0);
  }
}

function sendOne(world: World, { name, agent, sent }: Agents[number], count: number): void {
  const service = count % 2 === 0 ? WEB : DNS;
  const payload = `${name} ${service.id} ${count}`;
  if (!agent.sendUdp(service.id, { address: service.virtualIp!, port: 7 }, payload, world.now)) return;
  sent.push(`${service.backend.host}:${service.backend.port} ${payload}`);
  world.pump(name);
}

/** Every answer is one that this agent asked for, from the virtual address that it asked. */
function expectOwnAnswers({ name, agent, sent }: Agents[number]): void {
  const asked = new Set(sent);
  const foreign = agent.replies.filter(({ payload, source, sourcePort }) => {
    const { virtualIp } = payload.includes(" web ") ? WEB : DNS;
    return !asked.has(payload) || source !== virtualIp || sourcePort !== 7;
  });
  expect(foreign, name).toEqual([]);
  expect(agent.strange).toBe(0);
}

/** When the first answer came that was asked for at or after `time`; infinite if none did. */
function firstAnswerAfter({ agent }: Agents[number], time: number): number {
  return agent.replies.find(({ at }) => at > time)?.at ?? Number.POSITIVE_INFINITY;
}

describe("agents that all use the same inner address and port", () => {
  test("each get every payload of theirs back on a perfect network, and nobody else's", () => {
    forEachSeed(2, (seed) => {
      const { world, connector, agents } = setUp(10, { seed, conditions: { delayMs: 5 } });
      sendAlong(world, agents, 3000, 7000, 4);
      world.runUntil(9000);
      for (const each of agents) {
        expectOwnAnswers(each);
        expect(each.agent.replies.map(({ payload }) => payload).sort()).toEqual(each.sent.sort());
        expect(each.sent.length).toBeGreaterThanOrEqual(999);
      }
      expect(connector.connector.flowCount).toBe(20);
    });
  });

  test("never get a foreign payload on a bad one", () => {
    forEachSeed(5, (seed) => {
      const bad = { delayMs: 10, jitterMs: 20, loss: 0.1, duplicate: 0.05, reorder: 0.2, reorderMs: 100 };
      const { world, agents } = setUp(5, { seed, conditions: bad });
      world.runUntil(30_000);
      sendAlong(world, agents, 30_000, 35_000, 10);
      world.runUntil(40_000);
      for (const each of agents) {
        expectOwnAnswers(each);
        expect(each.agent.replies.length).toBeGreaterThan(each.sent.length / 2);
      }
    });
  });
});

describe("a relay that is killed and comes back", () => {
  for (const downMs of [1000, 4000, 12_000, 30_000]) {
    for (const resets of [true, false]) {
      const how = resets ? "with" : "without";
      test(`after ${downMs / 1000} s: data flows within 2 s where there was traffic, ${how} resets`, () => {
        forEachSeed(3, (seed) => {
          const { world, connector, agents } = setUp(4, { seed, resets, conditions: { delayMs: 5 } });
          sendAlong(world, agents, 3000, 12_000 + downMs, 50);
          world.runUntil(5000 + (seed % 1000));
          const { flowsOpened } = connector.connector.stats;
          world.killRelay();
          world.runUntil(world.now + downMs);
          world.startRelay();
          const upAt = world.now;
          world.runUntil(upAt + 6000);
          for (const each of agents) {
            expectOwnAnswers(each);
            expect(firstAnswerAfter(each, upAt) - upAt).toBeLessThanOrEqual(2000);
          }
          // The same agent addresses after the restart: the flows, and so the backend sockets, are the same.
          expect(connector.connector.stats.flowsOpened).toBe(flowsOpened);
        });
      });

      test(`after ${downMs / 1000} s: an idle network is whole again within 5 s, ${how} resets`, () => {
        forEachSeed(3, (seed) => {
          const { world, agents } = setUp(4, { seed, resets, conditions: { delayMs: 5 } });
          world.runUntil(10_000 + (seed % 3000));
          world.killRelay();
          world.runUntil(world.now + downMs);
          world.startRelay();
          const upAt = world.now;
          sendAlong(world, agents, upAt + 4900, upAt + 5000, 50);
          world.runUntil(upAt + 5100);
          for (const each of agents) {
            expect(each.sent.length).toBeGreaterThan(0);
            expect(each.agent.replies.map(({ payload }) => payload).sort()).toEqual(each.sent.sort());
          }
        });
      });
    }
  }
});

describe("a connector that is killed", () => {
  test("and restarted serves again within 5 s", () => {
    forEachSeed(5, (seed) => {
      const { world, agents, next } = setUp(3, { seed, conditions: { delayMs: 5 } });
      sendAlong(world, agents, 3000, 20_000, 50);
      world.runUntil(6000);
      world.kill("connector");
      world.runUntil(7500);
      world.restart("connector", new EchoConnector({ services: [WEB, DNS], random: next }));
      world.runUntil(20_000);
      for (const each of agents) {
        expectOwnAnswers(each);
        expect(firstAnswerAfter(each, 7500) - 7500).toBeLessThanOrEqual(5000);
      }
    });
  });

  test("hands its agents to the other connector of the service within 5 s", () => {
    forEachSeed(5, (seed) => {
      const { world, connector, agents, next } = setUp(6, { seed, conditions: { delayMs: 5 } });
      const second = world.add("connector-2", new EchoConnector({ services: [WEB, DNS], random: next }));
      sendAlong(world, agents, 6000, 20_000, 50);
      world.runUntil(10_000);
      expect(connector.requests.length + second.requests.length).toBeGreaterThan(0);
      const busy = connector.requests.length > second.requests.length ? "connector" : "connector-2";
      world.kill(busy);
      world.runUntil(20_000);
      for (const each of agents) {
        expectOwnAnswers(each);
        expect(firstAnswerAfter(each, 10_100) - 10_000).toBeLessThanOrEqual(5000);
      }
    });
  });

  test("gracefully stopped, is gone from the relay at once", () => {
    const { world, connector } = setUp(1, { seed: 1 });
    expect(world.relay.services().map(({ service, connectors }) => [service, connectors])).toEqual(
      expect.arrayContaining([
        ["web", 1],
        ["dns", 1],
      ]),
    );
    connector.connector.stop(world.now);
    world.pump("connector");
    world.runUntil(world.now + 100);
    expect(world.relay.services().map(({ connectors }) => connectors)).toEqual([0, 0]);
  });
});

test("the books of relay and connector agree on a perfect network", () => {
  const { world, connector, agents } = setUp(3, { seed: 7, conditions: { delayMs: 5 } });
  sendAlong(world, agents, 3000, 5000, 20);
  world.runUntil(8000);
  const { hops } = connector.connector.stats;
  expect(hops.agent.forwarded).toBe(world.relay.stats.hops.agent.relayed);
  expect(hops.backend.forwarded).toBe(world.relay.stats.hops.connector.relayed);
  expect(agents.reduce((sum, { agent }) => sum + agent.replies.length, 0)).toBe(hops.backend.forwarded);
  expect(hops.agent.dropped).toEqual({});
});
