// How long it takes until a service is registered again after a relay went away, in virtual time.
import { describe, expect, test } from "bun:test";
import { encodeAck, encodeNack } from "../../../src/wire/tunnel.ts";
import { Random } from "../../support/random.ts";
import { SimulatedRelay, type SimulationOptions } from "../../support/simulated-relay.ts";
import { UplinkClient } from "../../support/uplink-client.ts";

interface Outage {
  readonly seed: number;
  readonly downMs: number;
  readonly traffic: boolean;
  readonly options?: SimulationOptions;
}

/** Kills a relay that serves one uplink and starts it again. Returns when the service was back after that. */
function outage({ seed, downMs, traffic, options = {} }: Outage) {
  const client = new UplinkClient({}, seed);
  const relay = new SimulatedRelay(client, options);
  const killAt = 10_000 + new Random(seed).below(3500); // any phase of the idle ping
  if (traffic) {
    for (let at = 5000; at < killAt + downMs + 10_000; at += 50) {
      relay.at(at, () => {
        client.uplink.send(new Uint8Array([0x45]), relay.now);
        relay.pump();
      });
    }
  }
  relay.runUntil(killAt);
  expect(relay.registered.has("web")).toBe(true);
  const dialsBefore = relay.dials.length;
  relay.kill();
  relay.runUntil(killAt + downMs);
  relay.start();
  const upAt = relay.now;
  relay.runUntil(upAt + 10_000);
  const back = relay.registrations.find(({ at }) => at >= upAt);
  return { relay, client, recoveryMs: (back?.at ?? Number.POSITIVE_INFINITY) - upAt, dialsBefore };
}

const DOWN_TIMES = [1000, 1300, 2000, 2900, 3600, 5000, 10_000, 17_000, 30_000];

describe("an uplink whose relay is killed and comes back", () => {
  for (const resets of [true, false]) {
    const how = resets ? "answers strangers with resets" : "answers strangers with nothing";
    test(`is back within 2 s where there was traffic, when the relay ${how}`, () => {
      for (const downMs of DOWN_TIMES) {
        for (let seed = 1; seed <= 10; seed++) {
          const { recoveryMs } = outage({ seed, downMs, traffic: true, options: { resets } });
          expect(recoveryMs, `seed ${seed}, down ${downMs} ms`).toBeLessThanOrEqual(2000);
        }
      }
    });

    test(`is back within 5 s where it was idle, when the relay ${how}`, () => {
      for (const downMs of DOWN_TIMES) {
        for (let seed = 1; seed <= 10; seed++) {
          const { recoveryMs } = outage({ seed, downMs, traffic: false, options: { resets } });
          expect(recoveryMs, `seed ${seed}, down ${downMs} ms`).toBeLessThanOrEqual(5000);
        }
      }
    });
  }

  test("attempts are at most one second apart in the first minute and five after it", () => {
    const client = new UplinkClient({}, 3);
    const relay = new SimulatedRelay(client);
    relay.runUntil(20_000);
    relay.kill();
    relay.runUntil(200_000);
    const dials = relay.dials.slice(1);
    const start = dials[0]!;
    expect(start - 20_000).toBeLessThanOrEqual(3000 + 1000);
    const gaps = dials.slice(1).map((at, index) => ({ at, gap: at - dials[index]! }));
    for (const { at, gap } of gaps) expect(gap).toBeLessThanOrEqual(at - start <= 60_000 ? 1000 : 5000);
    expect(dials.length).toBeLessThanOrEqual(1 + 80 + 40);
  });

  test("holds one connection afterwards, also where several attempts were under way", () => {
    const { relay, client } = outage({ seed: 5, downMs: 8000, traffic: true, options: { rttMs: 900 } });
    relay.runUntil(relay.now + 20_000);
    expect(relay.openConnections).toBe(1);
    expect(client.uplink.registration("web")?.state).toBe("registered");
  });
});

describe("an uplink on a bad path", () => {
  test("a lost first acknowledgement is made good after two seconds", () => {
    let acks = 0;
    const client = new UplinkClient();
    const relay = new SimulatedRelay(client, {
      answer: (service) => (++acks === 1 ? undefined : encodeAck(service)),
    });
    relay.runUntil(1900);
    expect(client.uplink.registration("web")?.state).toBe("pending");
    relay.runUntil(2200);
    expect(client.uplink.registration("web")?.state).toBe("registered");
    expect(relay.registrations).toHaveLength(2);
    relay.runUntil(60_000);
    expect(relay.registrations).toHaveLength(2);
  });

  test("registers through a third of the datagrams lost, and does not give up a relay that lives", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed);
      const client = new UplinkClient({}, seed);
      const relay = new SimulatedRelay(client, { isLost: () => random.chance(0.33) });
      relay.runUntil(120_000);
      expect(client.uplink.registration("web")?.state, `seed ${seed}`).toBe("registered");
      expect(client.uplink.stats.connections, `seed ${seed}`).toBe(1);
    }
  });

  test("a service that is granted later is registered without a restart", () => {
    let granted = false;
    const client = new UplinkClient();
    const relay = new SimulatedRelay(client, {
      answer: (service) => (granted ? encodeAck(service) : encodeNack(2, service)),
    });
    relay.runUntil(100_000);
    expect(client.uplink.registration("web")?.state).toBe("denied");
    expect(relay.registrations.length).toBeGreaterThanOrEqual(2);
    expect(relay.registrations.length).toBeLessThanOrEqual(4);
    expect(relay.dials).toHaveLength(1);
    granted = true;
    relay.runUntil(165_000);
    expect(client.uplink.registration("web")?.state).toBe("registered");
    const said = relay.notices.map(({ notice }) => notice.event);
    expect(said.filter((event) => event === "registration-denied")).toHaveLength(1);
  });

  test("an idle connection that is answered stays as it is: pings every three seconds, no dial, no word", () => {
    const client = new UplinkClient();
    const relay = new SimulatedRelay(client, { rttMs: 100 });
    relay.runUntil(120_000);
    expect(relay.dials).toHaveLength(1);
    expect(relay.registrations).toHaveLength(1);
    expect(relay.pings.length).toBeGreaterThan(35);
    expect(relay.pings.length).toBeLessThanOrEqual(40);
    expect(relay.notices.map(({ notice }) => notice.event)).toEqual(["connected", "registered"]);
  });

  test("a round trip of several seconds still connects", () => {
    const client = new UplinkClient();
    const relay = new SimulatedRelay(client, { rttMs: 1200 });
    relay.runUntil(30_000);
    expect(client.uplink.state).toBe("connected");
    expect(client.uplink.registration("web")?.state).toBe("registered");
  });
});
