// The relay among agents and connectors that share certificates, die, come back and take over from one another.
import { describe, expect, test } from "bun:test";
import type { ServiceEntry } from "../../src/connector/services.ts";
import type { TakeoverPolicy } from "../../src/relay/options.ts";
import { EchoConnector } from "../support/echo-connector.ts";
import { forEachSeed, Random } from "../support/random.ts";
import { certificate, ip } from "../support/relay-world.ts";
import { AGENT_PORT, SimulatedAgent } from "../support/simulated-agent.ts";
import { World, type WorldOptions } from "../support/world.ts";

const WEB: ServiceEntry = { id: "web", virtualIp: ip("10.100.0.1"), backend: { host: "web-1", port: 80 } };
const LINK = { delayMs: 5 };

/** Agents and connectors by name; every agent sends numbered payloads from the same inner address and port. */
class Scene {
  readonly world: World;
  readonly sent = new Map<string, string[]>();
  private readonly random: Random;
  private readonly agents = new Map<string, SimulatedAgent[]>();

  constructor(options: WorldOptions) {
    this.world = new World({ conditions: LINK, ...options });
    this.random = new Random(options.seed);
  }

  connector(name: string, owner = name): EchoConnector {
    const machine = new EchoConnector({ services: [WEB], random: () => this.random.next() });
    return this.world.add(name, machine, certificate(owner));
  }

  agent(name: string, owner = name): SimulatedAgent {
    const machine = new SimulatedAgent(["web"], () => this.random.next());
    this.agents.set(name, [...(this.agents.get(name) ?? []), machine]);
    return this.world.add(name, machine, certificate(owner));
  }

  /** The process is killed and started again with the same certificate. */
  restartAgent(name: string): SimulatedAgent {
    const machine = new SimulatedAgent(["web"], () => this.random.next());
    this.agents.get(name)!.push(machine);
    return this.world.restart(name, machine);
  }

  sendEvery(name: string, everyMs: number, from: number, to: number): void {
    for (let at = from, count = 0; at < to; at += everyMs, count += 1) {
      this.world.at(at, () => this.send(name, `${name} ${count}`));
    }
  }

  send(name: string, payload: string): void {
    const agent = this.agents.get(name)!.at(-1)!;
    if (!agent.sendUdp("web", { address: WEB.virtualIp!, port: 7 }, payload, this.world.now)) return;
    this.sent.set(name, [...(this.sent.get(name) ?? []), payload]);
    this.world.pump(name);
  }

  replies(name: string) {
    return this.agents.get(name)!.flatMap((agent) => agent.replies);
  }

  /** Everybody has only answers to own questions, addressed to the address and port that they asked from. */
  expectNothingForeign(): void {
    for (const [name, machines] of this.agents) {
      const asked = new Set((this.sent.get(name) ?? []).map((payload) => `web-1:80 ${payload}`));
      for (const { payload, destination, destinationPort } of this.replies(name)) {
        expect(asked).toContain(payload);
        expect([destination, destinationPort]).toEqual([ip("100.64.0.1"), AGENT_PORT]);
      }
      for (const { strange } of machines) expect(strange).toBe(0);
    }
  }

  /** The longest time without an answer. */
  longestGap(name: string, from: number, to: number): number {
    const times = [from, ...this.replies(name).map(({ at }) => at), to].filter((at) => at >= from && at <= to);
    return Math.max(...times.slice(1).map((at, i) => at - times[i]!));
  }

  expectBalancedAccounts(): void {
    const { stats } = this.world.relay;
    let accountedFor = stats.registrationRequests;
    for (const { received, relayed, dropped } of Object.values(stats.hops)) {
      expect(received).toBe(Object.values(dropped).reduce((sum, count) => sum + count, relayed));
      accountedFor += received;
    }
    expect(accountedFor).toBe(stats.datagramsReceived);
  }
}

describe("ten agents with one certificate and one inner address", () => {
  test("lose nothing and get nothing foreign, whenever they come, and keep their flows", () => {
    forEachSeed(5, (seed) => {
      const scene = new Scene({ seed });
      const connector = scene.connector("connector");
      const random = new Random(seed);
      for (let i = 0; i < 10; i += 1) {
        const name = `agent-${i}`;
        const startAt = random.below(20_000);
        scene.world.at(startAt, () => {
          scene.agent(name, "shared");
          scene.sendEvery(name, 100 + random.below(3000), startAt + 100, 40_000);
          scene.world.pump(name);
        });
      }
      scene.world.runUntil(42_000);
      scene.expectNothingForeign();
      for (const [name, sent] of scene.sent) expect(scene.replies(name)).toHaveLength(sent.length);
      expect(scene.sent.size).toBe(10);
      expect(connector.connector.stats.flowsOpened).toBe(10);
      scene.expectBalancedAccounts();
    });
  });
});

describe("an agent that is killed and restarted", () => {
  // As long as its ghost may be alive it has another address, so another flow; a silent ghost leaves its own.
  test.each([
    [500, 3],
    [1500, 3],
    [4000, 2],
    [15_000, 2],
    [40_000, 2],
  ])("after %d ms never waits for its ghost; %d flows are opened in all", (downMs, flows) => {
    forEachSeed(4, (seed) => {
      const scene = new Scene({ seed });
      const connector = scene.connector("connector");
      scene.agent("agent");
      scene.agent("bystander");
      for (const name of ["agent", "bystander"]) scene.sendEvery(name, 200, 3000, 5000);
      scene.world.runUntil(5000);
      scene.world.kill("agent");
      scene.world.runUntil(5000 + downMs);
      scene.restartAgent("agent");
      const upAt = scene.world.now;
      scene.sendEvery("agent", 200, upAt, upAt + 6000);
      scene.world.runUntil(upAt + 8000);
      scene.expectNothingForeign();
      expect(scene.longestGap("agent", upAt + 100, upAt + 6000)).toBeLessThan(500);
      expect(connector.connector.stats.flowsOpened).toBe(flows);
      scene.expectBalancedAccounts();
    });
  });
});

describe("two connectors", () => {
  test.each(["pool", "replace"] as const)(
    "under %s: one is killed, and its agents wait no longer than it takes to notice",
    (takeover) => {
      forEachSeed(5, (seed) => {
        const scene = new Scene({ seed, relay: { takeover } });
        scene.connector("first");
        scene.world.runUntil(1000);
        scene.connector("second");
        for (let i = 0; i < 4; i += 1) {
          scene.agent(`agent-${i}`);
          scene.sendEvery(`agent-${i}`, 50, 3000, 20_000);
        }
        scene.world.runUntil(8000);
        scene.world.kill("second");
        scene.world.runUntil(21_000);
        scene.expectNothingForeign();
        for (const name of scene.sent.keys()) {
          expect(scene.longestGap(name, 3100, 20_000)).toBeLessThanOrEqual(3200);
          expect(scene.replies(name).length).toBeGreaterThan(250);
        }
        scene.expectBalancedAccounts();
      });
    },
  );

  test.each([
    ["pool", 1],
    ["replace", 1],
    ["deny", 0],
  ] as const)(
    "under %s do not chase each other: %d take-over in five minutes",
    (takeover: TakeoverPolicy, takeovers) => {
      forEachSeed(3, (seed) => {
        const scene = new Scene({ seed, relay: { takeover } });
        scene.connector("first");
        scene.world.runUntil(1000);
        scene.connector("second");
        scene.agent("agent");
        scene.sendEvery("agent", 500, 3000, 300_000);
        scene.world.runUntil(301_000);
        expect(scene.world.relay.stats.takeovers).toBe(takeovers);
        expect(scene.replies("agent")).toHaveLength(scene.sent.get("agent")!.length);
        scene.expectNothingForeign();
      });
    },
  );

  test("of one certificate: a restarted one takes over from its ghost within two seconds", () => {
    forEachSeed(5, (seed) => {
      const scene = new Scene({ seed });
      scene.connector("old", "shared");
      scene.agent("agent");
      scene.sendEvery("agent", 50, 3000, 12_000);
      scene.world.runUntil(6000);
      scene.world.kill("old");
      scene.connector("new", "shared");
      scene.world.runUntil(13_000);
      expect(scene.longestGap("agent", 3100, 12_000)).toBeLessThan(2000);
      expect(scene.world.relay.stats.takeovers).toBe(1);
      scene.expectNothingForeign();
    });
  });
});

test("on a bad network with everybody dying at random, nothing is foreign and the accounts balance", () => {
  forEachSeed(3, (seed) => {
    const conditions = { delayMs: 10, jitterMs: 30, loss: 0.1, duplicate: 0.05, reorder: 0.2, reorderMs: 100 };
    const scene = new Scene({ seed, conditions });
    const random = new Random(seed);
    for (const name of ["first", "second", "third"]) scene.connector(name, name === "third" ? "second" : name);
    for (let i = 0; i < 6; i += 1) {
      scene.agent(`agent-${i}`, i < 3 ? "shared" : `agent-${i}`);
      scene.sendEvery(`agent-${i}`, 50, 3000, 40_000);
    }
    for (let at = 5000; at < 30_000; at += 1000) {
      scene.world.at(at, () => {
        const name = `agent-${random.integerBelow(6)}`;
        scene.world.kill(name);
        scene.restartAgent(name);
        scene.world.pump(name);
      });
    }
    for (const [name, at] of [
      ["first", 15_000],
      ["second", 25_000],
    ] as const) {
      scene.world.at(at, () => scene.world.kill(name));
    }
    scene.world.runUntil(42_000);
    scene.expectNothingForeign();
    scene.expectBalancedAccounts();
    for (const name of scene.sent.keys()) expect(scene.replies(name).length).toBeGreaterThan(100);
  });
});
