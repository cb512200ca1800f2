// TCP of a host's programs through agent, relay and connector to a server, while paths go dark, relays are killed and agents
// come back on new connections: whatever happens in between, every byte arrives, also at programs that only listen.
import { describe, expect, test } from "bun:test";
import type { ServiceEntry } from "../../src/connector/services.ts";
import { ip } from "../support/connector-world.ts";
import { forEachSeed, Random } from "../support/random.ts";
import { certificate } from "../support/relay-world.ts";
import { SimulatedTcpHost } from "../support/simulated-tcp-host.ts";
import { TcpConnectorHost } from "../support/tcp-connector-host.ts";
import { World, type WorldOptions } from "../support/world.ts";

const WEB: ServiceEntry = { id: "web", virtualIp: ip("10.100.0.1"), backend: { host: "web-1", port: 80 } };
const REQUEST = "GET /\n";
const FILE = new Random(1).bytes(300_000);

interface Scenario extends WorldOptions {
  readonly hosts: number;
  /** All hosts have the same one. */
  readonly certificate?: string;
}

function setUp({ hosts: count, certificate: shared, ...options }: Scenario) {
  const world = new World(options);
  const random = new Random(options.seed);
  const next = () => random.next();
  const answer = (read: Uint8Array) => (read.at(-1) === NEWLINE ? { bytes: FILE, close: true } : undefined);
  const connector = world.add("connector", new TcpConnectorHost(WEB, next, answer));
  const hosts = Array.from({ length: count }, (_, index) => {
    const name = `host-${index}`;
    const identity = certificate(shared ?? name);
    return {
      name,
      host: world.add(name, new SimulatedTcpHost([{ id: "web", virtualIp: WEB.virtualIp! }], next), identity),
    };
  });
  world.runUntil(10_000);
  return { world, connector, hosts, random };
}

type Hosts = ReturnType<typeof setUp>["hosts"];

/** Everybody downloads once, beginning at its own time within the first 300 ms. */
function download(world: World, hosts: Hosts, random: Random): void {
  for (const { name, host } of hosts) {
    world.at(world.now + random.below(300), () => {
      host.open(WEB.virtualIp!, REQUEST, world.now);
      world.pump(name);
    });
  }
}

/** Nothing passes the client's path, either way. */
function darken(world: World, client: string, from: number, ms: number): void {
  const set = (loss: number) => {
    for (const link of [`${client}>relay`, `relay>${client}`]) world.network.setConditions({ loss }, link);
  };
  world.at(from, () => set(1));
  world.at(from + ms, () => set(world.network.conditionsOf("undisturbed").loss));
}

function expectWhole(hosts: Hosts): void {
  for (const { name, host } of hosts) {
    for (const connection of host.connections) {
      expect(connection.receivedBytes, `${name}: ${connection.events.at(-1)}`).toBe(FILE.length);
      expect(Buffer.compare(connection.bytes, FILE), name).toBe(0);
    }
  }
}

describe("downloads arrive whole, and go on soon", () => {
  test("when a path is dark for a while, again and again", () => {
    forEachSeed(6, (seed) => {
      const { world, hosts, random } = setUp({ seed, hosts: 3, conditions: { delayMs: 40, jitterMs: 2 } });
      const begin = world.now;
      download(world, hosts, random);
      for (const client of ["connector", ...hosts.map(({ name }) => name)]) {
        darken(world, client, begin + DISTURBED_AFTER_MS + random.below(400), 100 + random.below(4000));
        darken(world, client, begin + 7000 + random.below(500), 100 + random.below(4000));
      }
      world.runUntil(begin + 30_000);
      expectWhole(hosts);
    });
  });

  test("when hosts with the same certificate come back on new connections", () => {
    forEachSeed(6, (seed) => {
      const shared = { certificate: "fleet", conditions: { delayMs: 40 } };
      const { world, hosts, random } = setUp({ seed, hosts: 3, ...shared });
      const begin = world.now;
      download(world, hosts, random);
      for (const { name } of hosts)
        darken(world, name, begin + DISTURBED_AFTER_MS + random.below(400), 100 + random.below(4000));
      world.runUntil(begin + 30_000);
      expectWhole(hosts);
    });
  });

  test.each([true, false])("when the relay is killed and started again, with resets %p", (resets) => {
    forEachSeed(4, (seed) => {
      const { world, hosts, random } = setUp({ seed, resets, hosts: 3, conditions: { delayMs: 40 } });
      const begin = world.now;
      download(world, hosts, random);
      const killedAt = begin + DISTURBED_AFTER_MS + random.below(400);
      world.at(killedAt, () => world.killRelay());
      world.at(killedAt + random.below(3000), () => world.startRelay());
      world.runUntil(begin + 30_000);
      expectWhole(hosts);
    });
  });

  test("on a path that loses, doubles and reorders, and is dark for a while", () => {
    forEachSeed(4, (seed) => {
      const bad = { delayMs: 40, jitterMs: 3, loss: 0.02, duplicate: 0.01, reorder: 0.05, reorderMs: 5 };
      const { world, hosts, random } = setUp({ seed, hosts: 2, conditions: bad });
      const begin = world.now;
      download(world, hosts, random);
      darken(world, hosts[0]!.name, begin + DISTURBED_AFTER_MS + random.below(400), 100 + random.below(4000));
      world.runUntil(begin + 40_000);
      expectWhole(hosts);
    });
  });
});

const NEWLINE = 10;
/** Every connection is open by then, and no download has ended: one that is opened while nobody serves is refused. */
const DISTURBED_AFTER_MS = 700;
