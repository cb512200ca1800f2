// Hosts with an agent each, a relay and a connector together: whose packets come back to whom, what survives a relay
// that restarts, and that every packet is accounted for.
import { describe, expect, test } from "bun:test";
import type { AgentStats } from "../../src/agent/stats.ts";
import { ip } from "../support/connector-world.ts";
import { EchoConnector } from "../support/echo-connector.ts";
import { forEachSeed, Random } from "../support/random.ts";
import { SimulatedHost } from "../support/simulated-host.ts";
import { World, type WorldOptions } from "../support/world.ts";

const SERVICES = [
  { id: "web", virtualIp: ip("10.100.0.1") },
  { id: "dns", virtualIp: ip("10.100.0.2") },
];

function setUp(hostCount: number, options: WorldOptions) {
  const world = new World(options);
  const random = new Random(options.seed);
  const next = () => random.next();
  const offered = SERVICES.map((service) => ({ ...service, backend: { host: service.id, port: 7 } }));
  world.add("connector", new EchoConnector({ services: offered, random: next }));
  const hosts = Array.from({ length: hostCount }, (_, index) => {
    const name = `host-${index}`;
    return { name, host: world.add(name, new SimulatedHost(SERVICES, next)), sent: 0 };
  });
  world.runUntil(3000);
  return { world, hosts };
}

type Hosts = ReturnType<typeof setUp>["hosts"];

/** Numbered payloads, each host to one service after the other. */
function sendAlong(world: World, hosts: Hosts, from: number, to: number, everyMs: number): void {
  for (const [index, each] of hosts.entries()) {
    for (let at = from + index * 0.3; at < to; at += everyMs) {
      world.at(at, () => {
        const { id, virtualIp } = SERVICES[each.sent % 2]!;
        each.host.sendUdp(virtualIp, `${each.name} ${id} ${each.sent++}`, world.now);
        world.pump(each.name);
      });
    }
  }
}

/** Every reply is to a payload of this host, from the service that it went to, and came once. */
function expectOwnReplies({ name, host }: Hosts[number]): void {
  const foreign = host.replies.filter(({ from, payload }) => {
    const [backend = "", sender, service] = payload.split(" ");
    const address = service === "web" ? "10.100.0.1:7" : "10.100.0.2:7";
    return sender !== name || backend !== `${service}:7` || from !== address;
  });
  expect(foreign).toEqual([]);
  expect(host.strange).toBe(0);
}

/** Nothing is lost without a count. */
function expectAccounted({ hops: { tun, relay }, control }: AgentStats): void {
  const dropped = (counts: Partial<Record<string, number>>) =>
    Object.values(counts).reduce((sum: number, count) => sum + (count ?? 0), 0);
  expect(tun.received).toBe(tun.forwarded + dropped(tun.dropped));
  expect(relay.received).toBe(relay.forwarded + dropped(relay.dropped) + control);
}

describe("hosts that all have the same address", () => {
  test("get every reply of theirs on a good network, and nobody else's", () => {
    forEachSeed(2, (seed) => {
      const { world, hosts } = setUp(5, { seed, conditions: { delayMs: 5 } });
      sendAlong(world, hosts, 3000, 5000, 10);
      world.runUntil(7000);
      for (const each of hosts) {
        expectOwnReplies(each);
        expect(each.host.replies).toHaveLength(each.sent);
        expectAccounted(each.host.agent.stats);
      }
    });
  });

  test("never get a foreign one on a bad network", () => {
    forEachSeed(4, (seed) => {
      const bad = { delayMs: 10, jitterMs: 20, loss: 0.1, duplicate: 0.05, reorder: 0.2, reorderMs: 100 };
      const { world, hosts } = setUp(4, { seed, conditions: bad });
      world.runUntil(30_000);
      sendAlong(world, hosts, 30_000, 35_000, 10);
      world.runUntil(40_000);
      for (const each of hosts) {
        expectOwnReplies(each);
        expect(each.host.replies.length).toBeGreaterThan(each.sent / 2);
        expectAccounted(each.host.agent.stats);
      }
    });
  });
});

describe("a relay that is killed and started again", () => {
  test.each([true, false])("with resets %p: flows go on within five seconds, under their old addresses", (resets) => {
    forEachSeed(3, (seed) => {
      const { world, hosts } = setUp(4, { seed, resets, conditions: { delayMs: 5 } });
      sendAlong(world, hosts, 3000, 16_000, 20);
      world.at(5000, () => world.killRelay());
      world.at(6000, () => world.startRelay());
      world.runUntil(18_000);
      for (const each of hosts) {
        expectOwnReplies(each);
        const back = each.host.replies.find(({ at }) => at > 6000);
        expect(back?.at).toBeLessThan(11_000);
        expect(each.host.replies.filter(({ at }) => at > 11_500).length).toBeGreaterThan(200);
        expectAccounted(each.host.agent.stats);
        expect(each.host.agent.uplink.stats.reconnections).toBe(1);
      }
    });
  });

  test("what programs send meanwhile is counted as lost", () => {
    const { world, hosts } = setUp(1, { seed: 7, conditions: { delayMs: 5 } });
    world.at(4000, () => world.killRelay());
    sendAlong(world, hosts, 11_000, 14_000, 100);
    world.runUntil(15_000);
    const { stats } = hosts[0]!.host.agent;
    expect(stats.hops.tun).toMatchObject({ received: 30, forwarded: 0, dropped: { "not-connected": 30 } });
  });
});
