// Who is pinged, who is taken for silent, and what that costs.
import { describe, expect, test } from "bun:test";
import { RelayWorld, reply, request } from "../../support/relay-world.ts";

function worldWithTraffic() {
  const world = new RelayWorld();
  const connector = world.connector("web");
  const agent = world.agent("web");
  return { world, connector, agent, send: () => world.routed(agent, "web", request())[0]?.to };
}

describe("a peer that traffic goes to", () => {
  test("is pinged a second after the first unanswered datagram, and again; after three it is silent", () => {
    const { world, connector, agent, send } = worldWithTraffic();
    world.dead.add(connector);
    const start = world.now;
    send();
    expect(world.relay.deadline()).toBe(start + 1000);
    world.advance(500);
    send();
    expect(world.relay.deadline()).toBe(start + 1000);
    world.advance(2499);
    expect(world.pings).toEqual([
      { at: start + 1000, peer: connector },
      { at: start + 2000, peer: connector },
    ]);
    expect(send()).toBe(connector);
    world.advance(1);
    expect(world.relay.stats.peersSilent).toBe(1);
    expect(world.routed(agent, "web", request())).toMatchObject([{ to: agent }]);
    expect(world.relay.stats.hops.agent.dropped["no-connector"]).toBe(1);
    expect(world.relay.deadline()).toBeUndefined();
  });

  test("loses its traffic to another connector, and stays registered", () => {
    const { world, connector, agent, send } = worldWithTraffic();
    const spare = world.connector("web");
    const late = world.agent("web");
    expect(send()).toBe(spare);
    expect(world.routed(late, "web", request())).toMatchObject([{ to: spare }]);
    world.dead.add(spare);
    world.advance(3000);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, silent: 1 }]);
    for (const each of [agent, late]) expect(world.routed(each, "web", request())).toMatchObject([{ to: connector }]);
  });

  test("takes traffic again as soon as it is heard; who moved away stays away", () => {
    const { world, connector, agent, send } = worldWithTraffic();
    send();
    world.dead.add(connector);
    world.advance(3000);
    const spare = world.connector("web");
    expect(send()).toBe(spare);
    world.handle({ type: "heard", peer: connector });
    expect(world.relay.services()).toMatchObject([{ connectors: 2, silent: 0 }]);
    expect(send()).toBe(spare);
    world.disconnect(spare);
    expect(send()).toBe(connector);
    expect(world.datagram(agent, request())).toMatchObject([{ to: connector }]);
  });

  test("that answers is pinged once per second of one-way traffic and never taken for silent", () => {
    const { world, connector, send } = worldWithTraffic();
    for (let i = 0; i < 100; i += 1) {
      expect(send()).toBe(connector);
      world.advance(100);
    }
    expect(world.pings.length).toBeGreaterThanOrEqual(9);
    expect(world.pings.length).toBeLessThanOrEqual(10);
    expect(world.relay.stats.pings).toBe(world.pings.length);
    expect(world.relay.stats.peersSilent).toBe(0);
  });

  test("may be an agent, too", () => {
    const { world, connector, agent } = worldWithTraffic();
    const [there] = world.routed(agent, "web", request());
    world.dead.add(agent);
    for (let i = 0; i < 7; i += 1) {
      expect(world.datagram(connector, reply(there!.bytes))).toMatchObject([{ to: agent }]);
      world.advance(500);
    }
    expect(world.pings.filter(({ peer }) => peer === agent)).toHaveLength(2);
    expect(world.relay.stats.peersSilent).toBe(1);
  });

  test("that sends anything needs no ping", () => {
    const { world, connector, send } = worldWithTraffic();
    for (let i = 0; i < 30; i += 1) {
      send();
      world.advance(400);
      world.datagram(connector, request());
      world.advance(400);
    }
    expect(world.pings).toEqual([]);
  });

  test("that leaves takes its timer with it", () => {
    const { world, connector, send } = worldWithTraffic();
    send();
    expect(world.relay.deadline()).toBeDefined();
    world.disconnect(connector);
    expect(world.relay.deadline()).toBeUndefined();
  });
});

test("a relay with a thousand idle peers and one busy pair has one timer's work", () => {
  const { world, agent, send } = worldWithTraffic();
  for (let i = 0; i < 1000; i += 1) world.agent("web");
  send();
  world.advance(60_000);
  expect(world.pings).toHaveLength(1);
  expect(world.relay.deadline()).toBeUndefined();
  expect(agent).toBe(2);
});

test("late timers ping before they give anybody up", () => {
  const { world, connector, send } = worldWithTraffic();
  send();
  world.dead.add(connector);
  world.now += 60_000;
  world.handle({ type: "timeout" });
  expect(world.pings).toHaveLength(1);
  expect(world.relay.stats.peersSilent).toBe(0);
});
