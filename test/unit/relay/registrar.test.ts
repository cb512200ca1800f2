// Every answer to a registration, byte for byte, every limit, and what is logged and counted about them.
import { describe, expect, test } from "bun:test";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";
import { encodeRegistration } from "../../../src/wire/tunnel.ts";
import { anonymous, certificate, RelayWorld, request } from "../../support/relay-world.ts";

function answerTo(world: RelayWorld, peer: number, hex: string): string {
  const sent = world.datagram(peer, fromHex(hex)!);
  expect(sent.map(({ to }) => to)).toEqual([peer]);
  return toHex(sent[0]!.bytes);
}

describe("well-formed registrations", () => {
  test.each([
    ["agent", "100c6563686f2d73657276696365", "12000c6563686f2d73657276696365"],
    ["connector", "11077765622d617070", "1200077765622d617070"],
    ["empty id", "1000", "120000"],
    ["bytes behind the id", "1001614142", "12000161"],
    ["letter case kept", "10025765", "1200025765"],
    ["byte order mark kept", "1003efbbbf", "120003efbbbf"],
    ["longest id", `10ff${"61".repeat(255)}`, `1200ff${"61".repeat(255)}`],
  ])("%s: %s is acknowledged with %s", (_what, asked, answered) => {
    const world = new RelayWorld();
    const peer = world.connect();
    expect(answerTo(world, peer, asked)).toBe(answered);
    expect(world.relay.stats.registrations).toBe(1);
  });

  test("repeats are acknowledged again, change nothing and are logged once", () => {
    const world = new RelayWorld();
    const peer = world.connect();
    for (let i = 0; i < 3; i += 1) expect(answerTo(world, peer, "110161")).toBe("12000161");
    for (let i = 0; i < 3; i += 1) expect(answerTo(world, peer, "100161")).toBe("12000161");
    expect(world.relay.stats.registrations).toBe(6);
    expect(world.relay.services()).toMatchObject([{ service: "a", connectors: 1, agents: 1 }]);
    expect(world.noticesOf("registered")).toMatchObject([
      { level: "info", fields: { service: "a", role: "connector", name: "peer-1" } },
      { level: "info", fields: { service: "a", role: "agent", name: "peer-1" } },
    ]);
  });
});

describe("malformed registrations", () => {
  test.each(["10", "11", "1005616263", "1102c328", "1001ff", "1003eda080"])("%s is refused with status 1", (asked) => {
    const world = new RelayWorld();
    const peer = world.connect();
    expect(answerTo(world, peer, asked)).toBe("130100");
    expect(world.relay.stats.rejected.malformed).toBe(1);
    expect(world.relay.services()).toEqual([]);
    expect(world.notices).toEqual([]);
    expect(world.accounts).toEqual({ received: 1, accountedFor: 1 });
  });
});

describe("authorization", () => {
  test.each([
    ["agent", "web", true],
    ["agent", "db", false],
    ["connector", "web", false],
    ["connector", "db", true],
    ["agent", "WEB", false],
  ] as const)("a holder of agent.web and connector.db as %s of %s: %p", (role, service, allowed) => {
    const world = new RelayWorld();
    const grants = [
      { role: "agent", service: "web" },
      { role: "connector", service: "db" },
    ] as const;
    const peer = world.connect({ identity: certificate("limited", grants) });
    const [answer] = world.register(peer, role, service);
    expect(toHex(answer!.bytes).slice(0, 4)).toBe(allowed ? "1200" : "1302");
    expect(world.relay.services().some(({ connectors, agents }) => connectors + agents > 0)).toBe(allowed);
  });

  test("a refusal is logged with its reason and its fix, and counted for the service", () => {
    const world = new RelayWorld();
    const peer = world.connect({ identity: certificate("bare", []) });
    world.register(peer, "agent", "web");
    expect(world.relay.stats.rejected["no-ztna-name"]).toBe(1);
    expect(world.relay.services()).toMatchObject([{ service: "web", agents: 0, denied: 1 }]);
    const [notice] = world.noticesOf("registration-denied");
    expect(notice).toMatchObject({ level: "warn", fields: { service: "web", role: "agent", name: "bare" } });
    expect(Object.keys(notice!.fields)).toContain("fix");
  });

  test("a client that is refused again and again is not logged again and again", () => {
    const world = new RelayWorld();
    const peer = world.connect({ identity: certificate("bare", []) });
    for (let i = 0; i < 60; i += 1) {
      world.register(peer, "agent", `web-${i}`);
      world.advance(1000);
    }
    expect(world.noticesOf("registration-denied")).toHaveLength(5);
    expect(world.relay.stats.rejected["no-ztna-name"]).toBe(60);
  });

  test("refused services are remembered in bounded number", () => {
    const world = new RelayWorld({ limits: { registrations: { perSecond: 1e6, burst: 1e6 } } });
    const peer = world.connect({ identity: certificate("bare", []) });
    for (let i = 0; i < 2000; i += 1) world.register(peer, "agent", `web-${i}`);
    expect(world.relay.services(10_000)).toHaveLength(1024);
    expect(world.relay.services(7)).toHaveLength(7);
    world.advance(3_600_000);
    expect(world.relay.services()).toEqual([]);
    expect(world.relay.deadline()).toBeUndefined();
  });

  test("peers without a certificate may register anything, which is said at debug only", () => {
    const world = new RelayWorld();
    const peer = world.connect(anonymous("203.0.113.9"));
    world.register(peer, "agent", "web");
    expect(world.noticesOf("registered")).toMatchObject([{ level: "debug", fields: { name: "anonymous" } }]);
  });
});

describe("limits", () => {
  test("services of one connection", () => {
    const world = new RelayWorld();
    const peer = world.connect();
    const answers = Array.from(
      { length: 66 },
      (_, i) => world.register(peer, i % 2 ? "agent" : "connector", `s${i}`)[0]!,
    );
    expect(answers.filter(({ bytes }) => bytes[0] === 0x12)).toHaveLength(64);
    expect(toHex(answers[64]!.bytes)).toBe("130303733634");
    expect(world.relay.stats.rejected["services-per-connection"]).toBe(2);
    expect(toHex(world.register(peer, "connector", "s0")[0]!.bytes)).toBe("1200027330");
  });

  test("10,000 ids on one connection are capped, and others still register at once", () => {
    const world = new RelayWorld();
    const flooder = world.connect();
    for (let i = 0; i < 10_000; i += 1) world.register(flooder, "connector", `s${i}`);
    const { stats } = world.relay;
    expect(stats.registrations).toBe(64);
    expect(stats.rejected["services-per-connection"]).toBe(36);
    expect(stats.rejected.rate).toBe(9900);
    expect(stats.registrationRejections).toBe(9936);
    expect(world.relay.services(100_000)).toHaveLength(64);
    expect(toHex(world.register(world.connect(), "agent", "x")[0]!.bytes)).toBe("12000178");
    world.advance(1000);
    expect(toHex(world.register(flooder, "connector", "s0")[0]!.bytes)).toBe("1200027330");
  });

  test("registrations of one identity over all its connections, given back when they end", () => {
    const world = new RelayWorld({ limits: { registrationsPerIdentity: 3 } });
    const shared = { identity: certificate("shared") };
    const first = world.connect(shared);
    world.register(first, "agent", "a");
    world.register(first, "connector", "a");
    const second = world.connect(shared);
    expect(world.register(second, "agent", "a")[0]!.bytes[0]).toBe(0x12);
    expect(toHex(world.register(second, "agent", "b")[0]!.bytes)).toBe("13030162");
    expect(world.relay.stats.rejected["registrations-per-identity"]).toBe(1);
    expect(world.register(world.connect(), "agent", "b")[0]!.bytes[0]).toBe(0x12);
    world.disconnect(first);
    expect(world.register(second, "agent", "b")[0]!.bytes[0]).toBe(0x12);
  });

  test("services in all: a new one waits until one is forgotten", () => {
    const world = new RelayWorld({ limits: { services: 2 } });
    const first = world.agent("a");
    const second = world.agent("b");
    expect(toHex(world.register(second, "agent", "c")[0]!.bytes)).toBe("13030163");
    expect(world.register(second, "agent", "a")[0]!.bytes[0]).toBe(0x12);
    expect(world.relay.stats.rejected.services).toBe(1);
    world.disconnect(second);
    expect(world.register(first, "agent", "c")[0]!.bytes[0]).toBe(0x12);
  });

  test("connectors of one service: one without traffic makes room, live ones do not", () => {
    const world = new RelayWorld({ limits: { connectorsPerService: 2 } });
    const first = world.connector("web");
    const second = world.connector("web");
    expect(toHex(world.register(world.connect(), "connector", "web")[0]!.bytes)).toBe("130303776562");
    expect(world.relay.stats.rejected["connectors-per-service"]).toBe(1);

    const agent = world.agent("web");
    world.routed(agent, "web", request());
    world.dead.add(second);
    world.advance(3000);
    expect(world.relay.services()).toMatchObject([{ connectors: 1, silent: 1 }]);
    const third = world.connect();
    const answers = world.register(third, "connector", "web");
    expect(answers.map(({ to, bytes }) => [to, toHex(bytes)])).toEqual([
      [second, "130303776562"],
      [third, "120003776562"],
    ]);
    expect(world.relay.services()).toMatchObject([{ connectors: 2, silent: 0 }]);
    world.disconnect(first);
    world.disconnect(second);
    world.disconnect(third);
    expect(world.relay.services()).toMatchObject([{ connectors: 0, agents: 1 }]);
  });

  test("a connector that had to make room counts no longer", () => {
    const world = new RelayWorld({
      limits: { connectorsPerService: 1, registrationsPerIdentity: 2 },
      takeover: "replace",
    });
    const first = world.connector("web");
    world.register(first, "connector", "db");
    expect(world.register(first, "agent", "lab")[0]!.bytes[0]).toBe(0x13);
    const second = world.connect();
    expect(world.register(second, "connector", "web").map(({ to, bytes }) => [to, bytes[0], bytes[1]])).toEqual([
      [first, 0x13, 3],
      [second, 0x12, 0],
    ]);
    expect(world.register(first, "agent", "lab")[0]!.bytes[0]).toBe(0x12);
    expect(world.relay.services()).toMatchObject([{ service: "db" }, { service: "web", connectors: 1 }, {}]);
  });

  test("without certificates an address is the identity that is limited", () => {
    const world = new RelayWorld({ limits: { registrationsPerIdentity: 1 } });
    world.agent("a", anonymous("203.0.113.1"));
    const same = world.connect({ identity: ANONYMOUS, host: "203.0.113.1", port: 2 });
    expect(world.register(same, "agent", "b")[0]!.bytes[0]).toBe(0x13);
    expect(world.register(world.connect(anonymous("203.0.113.2")), "agent", "b")[0]!.bytes[0]).toBe(0x12);
  });
});

test("an agent that registers has older connections of its identity asked whether they are still there", () => {
  const world = new RelayWorld();
  world.connector("web");
  const laptop = { identity: certificate("laptop") };
  const [quiet, fresh, bare] = [world.agent("web", laptop), world.agent("web", laptop), world.agent("web", laptop)];
  const other = world.agent("web");
  for (const each of [quiet, fresh, other]) world.routed(each, "web", request());
  world.advance(1500);
  world.routed(fresh, "web", request());
  const before = world.pings.length;
  world.agent("web", laptop);
  expect(world.pings.slice(before)).toEqual([{ at: world.now, peer: quiet }]);
  expect(bare).toBeGreaterThan(fresh);
});

test("a registration costs what its bytes say: nothing else is answered", () => {
  const world = new RelayWorld();
  const peer = world.connect();
  expect(world.datagram(peer, encodeRegistration("agent", "web"))).toHaveLength(1);
  expect(world.relay.stats.registrationRequests).toBe(1);
});
