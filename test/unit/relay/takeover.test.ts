// Several connectors for one service: who gets the traffic under each policy, what the others are told, what is logged.
import { describe, expect, test } from "bun:test";
import { Registry } from "../../../src/relay/registry.ts";
import { judgeClaim } from "../../../src/relay/takeover.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { anonymous, certificate, RelayWorld, request, type Sent, session } from "../../support/relay-world.ts";

const ACK = "120003776562";
const NACK = "130203776562";

function told(sent: readonly Sent[]): [number, string][] {
  return sent.map(({ to, bytes }) => [to, toHex(bytes)]);
}

/** Who receives what this agent sends now. */
function reached(world: RelayWorld, agent: number): number | undefined {
  return world.routed(agent, "web", request())[0]?.to;
}

describe("pool", () => {
  test("connectors of different identities share: agents stay, new ones go to the newest", () => {
    const world = new RelayWorld();
    const first = world.connector("web");
    const early = world.agent("web");
    expect(reached(world, early)).toBe(first);
    const second = world.connector("web");
    const late = world.agent("web");
    expect(reached(world, late)).toBe(second);
    expect(reached(world, early)).toBe(first);
    expect(world.relay.services()).toMatchObject([{ connectors: 2, agents: 2 }]);
    expect(world.noticesOf("takeover")).toMatchObject([
      { level: "warn", fields: { service: "web", name: "peer-3", from: "peer-1", how: "shared" } },
    ]);
    expect(world.relay.stats.takeovers).toBe(1);
  });

  test("agents of a connector that leaves go to another with their next packet", () => {
    const world = new RelayWorld();
    const first = world.connector("web");
    const agent = world.agent("web");
    reached(world, agent);
    const second = world.connector("web");
    world.disconnect(first);
    expect(reached(world, agent)).toBe(second);
    world.connector("web");
    expect(reached(world, agent)).toBe(second);
  });

  test("replicas with one certificate both serve when the older answers within a second", () => {
    const world = new RelayWorld();
    const replica = { identity: certificate("shared") };
    const first = world.connector("web", replica);
    const agent = world.agent("web");
    reached(world, agent);
    world.advance(5000);
    const before = world.pings.length;
    const second = world.connector("web", replica);
    expect(world.pings.slice(before).map(({ peer }) => peer)).toEqual([first]);
    world.advance(5000);
    expect(reached(world, agent)).toBe(first);
    expect(reached(world, world.agent("web"))).toBe(second);
    expect(world.relay.stats.takeovers).toBe(0);
    expect(world.noticesOf("takeover")).toEqual([]);
  });

  test("is said once for what it is: a replica that answered, one that is alone again, one that was silent before", () => {
    const world = new RelayWorld();
    const replica = { identity: certificate("shared") };
    const [first, agent] = [world.connector("web", replica), world.agent("web")];
    reached(world, agent);
    const second = world.connector("web", replica);
    world.advance(20);
    world.dead.add(first);
    reached(world, agent);
    world.advance(3000);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, silent: 1 }]);
    expect(world.relay.stats.takeovers).toBe(0);

    world.connector("web");
    expect(world.noticesOf("takeover")).toMatchObject([{ fields: { from: "shared", how: "shared" } }]);
    world.disconnect(second);
    const third = world.connector("web", { identity: certificate("third") });
    world.dead.add(third);
    const fourth = world.connector("web", { identity: certificate("third") });
    world.disconnect(fourth);
    const before = world.relay.stats.takeovers;
    world.advance(1000);
    expect(world.relay.stats.peersSilent).toBe(2);
    expect(world.relay.stats.takeovers).toBe(before);
  });

  test("a newcomer beside a silent connector takes nothing over", () => {
    const world = new RelayWorld();
    const first = world.connector("web");
    reached(world, world.agent("web"));
    world.dead.add(first);
    world.advance(3000);
    world.connector("web");
    expect(world.relay.stats.takeovers).toBe(0);
  });

  test("an older registration of the same identity that does not answer loses its agents after a second", () => {
    const world = new RelayWorld();
    const replica = { identity: certificate("shared") };
    const first = world.connector("web", replica);
    const agent = world.agent("web");
    reached(world, agent);
    world.dead.add(first);
    const second = world.connector("web", replica);
    world.advance(999);
    expect(reached(world, agent)).toBe(first);
    world.advance(1);
    expect(reached(world, agent)).toBe(second);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, silent: 1 }]);
    expect(world.noticesOf("takeover")).toMatchObject([{ fields: { from: "shared", how: "silent" } }]);
    world.advance(10_000);
    expect(world.relay.stats.takeovers).toBe(1);
    world.handle({ type: "heard", peer: first });
    expect(world.relay.services()).toMatchObject([{ connectors: 2, silent: 0 }]);
  });
});

describe("replace", () => {
  test("the newest serves alone; each displaced one is told, and told again when it is promoted", () => {
    const world = new RelayWorld({ takeover: "replace" });
    const [first, agent] = [world.connector("web"), world.agent("web")];
    expect(reached(world, agent)).toBe(first);
    const second = world.connect();
    expect(told(world.register(second, "connector", "web"))).toEqual([
      [first, NACK],
      [second, ACK],
    ]);
    expect(reached(world, agent)).toBe(second);
    const third = world.connect();
    expect(told(world.register(third, "connector", "web"))).toEqual([
      [second, NACK],
      [third, ACK],
    ]);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, displaced: 2 }]);
    expect(told(world.disconnect(third))).toEqual([[second, ACK]]);
    expect(reached(world, agent)).toBe(second);
    expect(told(world.disconnect(second))).toEqual([[first, ACK]]);
    expect(reached(world, agent)).toBe(first);
    expect(world.noticesOf("takeover")).toHaveLength(2);
    expect(world.relay.stats.takeovers).toBe(2);
  });

  test("one in the middle that leaves changes nothing for the others", () => {
    const world = new RelayWorld({ takeover: "replace" });
    const [first, second, third] = [world.connector("web"), world.connector("web"), world.connector("web")];
    expect(world.disconnect(second!)).toEqual([]);
    expect(told(world.disconnect(third!))).toEqual([[first!, ACK]]);
  });

  test("a displaced connector that registers again stays displaced: two never chase each other", () => {
    const world = new RelayWorld({ takeover: "replace" });
    const first = world.connector("web");
    const second = world.connector("web");
    expect(told(world.register(first, "connector", "web"))).toEqual([[first, NACK]]);
    expect(reached(world, world.agent("web"))).toBe(second);
    expect(world.relay.stats.rejected.displaced).toBe(1);
    expect(world.relay.services()).toMatchObject([{ denied: 0 }]);
    expect(world.relay.stats.takeovers).toBe(1);
  });

  test("a silent newest is stood in for by the one below it until it is heard again", () => {
    const world = new RelayWorld({ takeover: "replace" });
    const [first, second] = [world.connector("web"), world.connector("web")];
    const agent = world.agent("web");
    expect(reached(world, agent)).toBe(second);
    world.dead.add(second);
    expect(told(world.advance(3000))).toEqual([[first, ACK]]);
    expect(reached(world, agent)).toBe(first);
    expect(told(world.handle({ type: "heard", peer: second }))).toEqual([[first, NACK]]);
    expect(reached(world, agent)).toBe(second);
    expect(world.relay.stats.takeovers).toBe(1);
  });

  test("what a displaced connector still sends is dropped", () => {
    const world = new RelayWorld({ takeover: "replace" });
    const first = world.connector("web");
    const agent = world.agent("web");
    const [there] = world.routed(agent, "web", request());
    world.connector("web");
    expect(world.datagram(first, there!.bytes)).toEqual([]);
    expect(world.relay.stats.hops.connector.dropped["unknown-destination"]).toBe(1);
  });
});

describe("deny", () => {
  test("a live connector of another identity stays, and the newcomer is refused", () => {
    const world = new RelayWorld({ takeover: "deny" });
    const first = world.connector("web");
    const second = world.connect();
    expect(told(world.register(second, "connector", "web"))).toEqual([[second, NACK]]);
    expect(reached(world, world.agent("web"))).toBe(first);
    expect(world.relay.stats.rejected.held).toBe(1);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, denied: 1 }]);
    expect(world.noticesOf("takeover")).toEqual([]);
  });

  test("a holder that was not heard lately is asked first; its answer refuses the newcomer", () => {
    const world = new RelayWorld({ takeover: "deny" });
    const first = world.connector("web");
    world.advance(60_000);
    const second = world.connect();
    expect(world.register(second, "connector", "web")).toEqual([]);
    expect(world.pings).toMatchObject([{ peer: first }]);
    expect(told(world.advance(20))).toEqual([[second, NACK]]);
  });

  test("a holder that does not answer within a second is displaced, and stays so when it is heard again", () => {
    const world = new RelayWorld({ takeover: "deny" });
    const first = world.connector("web");
    world.advance(60_000);
    world.dead.add(first);
    const second = world.connect();
    expect(world.register(second, "connector", "web")).toEqual([]);
    expect(world.advance(999)).toEqual([]);
    expect(told(world.advance(1))).toEqual([
      [first, NACK],
      [second, ACK],
    ]);
    expect(world.noticesOf("takeover")).toMatchObject([{ fields: { from: "peer-1", how: "displaced" } }]);
    expect(world.handle({ type: "heard", peer: first })).toEqual([]);
    expect(told(world.register(first, "connector", "web"))).toEqual([[first, NACK]]);
    expect(reached(world, world.agent("web"))).toBe(second);
  });

  test("who waits gets the service when the holder leaves, and nothing when it leaves itself", () => {
    const world = new RelayWorld({ takeover: "deny" });
    const first = world.connector("web");
    world.advance(60_000);
    const [second, third] = [world.connect(), world.connect()];
    world.register(second, "connector", "web");
    world.register(third, "connector", "web");
    world.disconnect(second);
    expect(told(world.disconnect(first))).toEqual([[third, ACK]]);
  });

  test("no more wait than a service may have connectors", () => {
    const world = new RelayWorld({ takeover: "deny", limits: { connectorsPerService: 2 } });
    world.connector("web");
    world.advance(60_000);
    const answers = Array.from({ length: 4 }, () => told(world.register(world.connect(), "connector", "web")));
    expect(answers.flat().map(([, hex]) => hex)).toEqual(["130303776562", "130303776562"]);
  });

  test("replicas with one certificate still share", () => {
    const world = new RelayWorld({ takeover: "deny" });
    world.connector("web", { identity: certificate("shared") });
    world.connector("web", { identity: certificate("shared") });
    world.advance(5000);
    expect(world.relay.services()).toMatchObject([{ connectors: 2 }]);
  });
});

describe("peers without a certificate", () => {
  test.each(["pool", "replace", "deny"] as const)("under %s the newest of them takes over", (takeover) => {
    const world = new RelayWorld({ takeover });
    const first = world.connector("web", anonymous("203.0.113.1"));
    const second = world.connect(anonymous("203.0.113.2"));
    expect(told(world.register(second, "connector", "web"))).toEqual([
      [first, NACK],
      [second, ACK],
    ]);
    expect(reached(world, world.agent("web"))).toBe(second);
  });

  test("their take-overs are logged in limited number", () => {
    const world = new RelayWorld();
    for (let i = 0; i < 200; i += 1) world.connector("web", anonymous(`203.0.113.${i}`));
    expect(world.relay.stats.takeovers).toBe(199);
    expect(world.noticesOf("takeover")).toHaveLength(50);
    expect(world.relay.stats.noticesSuppressed).toBe(149);
  });

  test("a service full of displaced ones still takes the next", () => {
    const world = new RelayWorld({ limits: { connectorsPerService: 3 } });
    const peers = Array.from({ length: 6 }, (_, i) => world.connector("web", anonymous(`203.0.113.${i}`)));
    expect(world.relay.services()).toMatchObject([{ connectors: 1, displaced: 2 }]);
    expect(reached(world, world.agent("web"))).toBe(peers[5]);
  });
});

describe("judging a claim", () => {
  test("does not look at holders that are displaced already", () => {
    const registry = new Registry();
    const [old, newer, newest] = [1, 2, 3].map((peer) => session(peer));
    const first = registry.serve(old!, "web");
    const second = registry.serve(newer!, "web");
    first.displacedBy = second;
    const claim = judgeClaim("replace", newest!, second.service.servings, 0);
    expect(claim).toMatchObject({ verdict: "admit", displaced: [second], doubtful: [], shared: [] });
  });
});
