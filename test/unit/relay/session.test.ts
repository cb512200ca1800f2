// What the relay remembers of one connection.
import { describe, expect, test } from "bun:test";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { DEFAULT_RELAY_LIMITS } from "../../../src/relay/options.ts";
import { Registry } from "../../../src/relay/registry.ts";
import { encodeRouted } from "../../../src/wire/tunnel.ts";
import { certificate, type PeerOptions, session } from "../../support/relay-world.ts";

const laptop = (options: PeerOptions = {}) => session(1, { identity: certificate("laptop"), ...options });

describe("a session", () => {
  test("is of one identity with others of the same key, or of the same address where there is no certificate", () => {
    expect(laptop().identityKey).toBe(laptop({ host: "203.0.113.2" }).identityKey);
    expect(laptop().identityKey).not.toBe(laptop({ identity: certificate("phone") }).identityKey);
    const nameless = laptop({ identity: ANONYMOUS });
    expect(nameless.identityKey).toBe(laptop({ identity: ANONYMOUS, port: 2 }).identityKey);
    expect(nameless.identityKey).not.toBe(laptop({ identity: ANONYMOUS, host: "203.0.113.2" }).identityKey);
    expect([laptop().name, nameless.name]).toEqual(["laptop", "anonymous"]);
  });

  test("finds the use that a routed packet names, among many, byte for byte", () => {
    const registry = new Registry();
    const agent = laptop();
    const names = ["", "a", "A", "web", "web-1", "ü", "x".repeat(255)];
    for (const name of names) registry.use(agent, name);
    const bare = new Uint8Array([1]);
    for (const name of [...names, ...names.toReversed()]) {
      expect(agent.useNamedIn(encodeRouted(name, bare))?.service.name).toBe(name);
    }
    for (const name of ["b", "web-", "web-12", "u"]) {
      expect(agent.useNamedIn(encodeRouted(name, bare))).toBeUndefined();
    }
  });

  test("remembers destinations only where there is a choice, the latest 256", () => {
    const registry = new Registry();
    const agent = laptop();
    registry.use(agent, "a");
    agent.rememberDestination(1, agent.uses[0]!);
    expect(agent.useAt(1)).toBeUndefined();
    registry.use(agent, "b");
    for (let destination = 1; destination <= 257; destination += 1) {
      agent.rememberDestination(destination, agent.uses[destination % 2]!);
    }
    expect(agent.useAt(1)).toBeUndefined();
    expect(agent.useAt(2)).toBe(agent.uses[0]!);
    agent.rememberDestination(5, agent.uses[0]!);
    expect(agent.useAt(2)).toBe(agent.uses[0]!);
    for (const later of [300, 301, 302, 303]) agent.rememberDestination(later, agent.uses[1]!);
    expect(agent.useAt(4)).toBe(undefined);
    expect(agent.useAt(5)).toBe(agent.uses[0]!);
  });

  test("takes new rates with full buckets", () => {
    const agent = laptop();
    expect(agent.datagramRate?.allow(0, 200_001)).toBe(false);
    agent.limit({ ...DEFAULT_RELAY_LIMITS, datagrams: undefined, bytes: { perSecond: 1, burst: 5 } }, 0);
    expect(agent.datagramRate).toBeUndefined();
    expect([agent.byteRate?.allow(0, 5), agent.byteRate?.allow(0, 1)]).toEqual([true, false]);
  });
});
