// Unique addresses: who gets which, who keeps it, when it passes to whom, and how many there can be.
import { describe, expect, test } from "bun:test";
import { candidateAddress } from "../../../src/relay/address-choice.ts";
import { Registry } from "../../../src/relay/registry.ts";
import { INNER, Table } from "../../support/address-table.ts";
import { anonymous, certificate } from "../../support/relay-world.ts";

describe("the choice", () => {
  test("is the same for the same identity and source, also in another process", () => {
    const chosen = [new Table(), new Table()].map((table) => table.addressOf(table.session()).address);
    expect(chosen[0]).toBe(candidateAddress("key of laptop", INNER, 0, 0));
    expect(chosen[1]).toBe(chosen[0]!);
  });

  test("differs for another identity and for another source of the same connection", () => {
    const table = new Table();
    const [one, other] = [table.session(), table.session({ identity: certificate("phone") })];
    const addresses = [table.addressOf(one), table.addressOf(one, INNER + 1), table.addressOf(other)];
    expect(new Set(addresses.map(({ address }) => address)).size).toBe(3);
    for (const each of addresses) expect(table.addresses.at(each.address)).toBe(each);
  });

  test("goes by the observed address where there is no certificate, whatever the port", () => {
    const table = new Table();
    const first = table.session(anonymous("203.0.113.7"));
    const { address } = table.addressOf(first);
    table.release(first);
    expect(table.addressOf(table.session({ ...anonymous("203.0.113.7"), port: 9 })).address).toBe(address);
    expect(table.addressOf(table.session(anonymous("203.0.113.8"))).address).not.toBe(address);
  });

  test("is the next free one where the preferred one is taken", () => {
    const table = new Table();
    const addresses = Array.from({ length: 5 }, () => table.addressOf(table.session()).address);
    expect(addresses).toEqual([0, 1, 2, 3, 4].map((attempt) => candidateAddress("key of laptop", INNER, 0, attempt)));
  });

  test("finds room for thousands of connections of one identity with one source", () => {
    const table = new Table();
    const sessions = Array.from({ length: 5000 }, () => table.session());
    const addresses = sessions.map((session) => table.addressOf(session));
    expect(new Set(addresses.map(({ address }) => address)).size).toBe(5000);
    for (const [i, session] of sessions.entries()) expect(addresses[i]!.owner).toBe(session);
  });
});

describe("keeping an address", () => {
  test("a connection keeps its own, and finds it by its source", () => {
    const table = new Table();
    const session = table.session();
    const [first, second] = [table.addressOf(session), table.addressOf(session, INNER + 1)];
    expect(table.addressOf(session)).toBe(first);
    expect(table.addressOf(session, INNER + 1)).toBe(second);
    expect(table.addresses.size).toBe(2);
  });

  test("a connection that comes back gets it again; nobody else does meanwhile", () => {
    const table = new Table();
    const first = table.session();
    const { address } = table.addressOf(first);
    table.release(first);
    expect(table.addresses.at(address)?.owner).toBeUndefined();
    table.now += 299_999;
    table.addresses.expire(table.now);
    const again = table.addressOf(table.session());
    expect(again.address).toBe(address);
    expect(table.addresses.deadline()).toBeUndefined();
  });

  test("a kept address is free again after five minutes", () => {
    const table = new Table();
    const session = table.session();
    table.addressOf(session);
    table.release(session);
    expect(table.addresses.deadline()).toBe(table.now + 300_000);
    table.addresses.expire(table.now + 299_999);
    expect(table.addresses.size).toBe(1);
    table.addresses.expire(table.now + 300_000);
    expect(table.addresses.size).toBe(0);
    expect(table.addresses.deadline()).toBeUndefined();
  });

  test("packets go on to the connector that knows the flows", () => {
    const table = new Table();
    const registry = new Registry();
    const serving = registry.serve(table.session({ identity: certificate("connector") }), "web");
    const newer = registry.serve(table.session({ identity: certificate("newer") }), "web");
    registry.refresh(serving.service);
    const [before, after] = [table.session(), table.session()];
    for (const agent of [before, after]) registry.use(agent, "web");
    table.addressOf(before);
    before.uses[0]!.bound = serving;
    table.release(before);
    registry.leave(before);
    const { bindings } = table.addressOf(after);
    expect(registry.connectorFor(after.uses[0]!, bindings)).toBe(serving);
    expect(newer.service.newest).toBe(newer);
    registry.leave(serving.session);
    expect(registry.connectorFor(after.uses[0]!, bindings)).toBe(newer);
  });
});

describe("limits", () => {
  test("one connection has sixteen sources at a time; the idlest one makes room", () => {
    const table = new Table();
    const session = table.session();
    const first = table.addressOf(session, 1);
    table.now += 5000;
    for (let source = 2; source <= 16; source += 1) table.addressOf(session, source);
    table.addressOf(session, 1);
    table.now += 4999;
    table.addressOf(session, 1);
    table.now += 5000;
    expect(table.addresses.ofSource(session, 17, table.now)).toBe("too-many-addresses");
    table.now += 1;
    const given = table.addressOf(session, 17);
    expect(session.addresses).toHaveLength(16);
    expect(table.addresses.at(first.address)?.owner).toBe(session);
    table.addressOf(session, 18);
    table.now += 9999;
    for (let source = 3; source <= 15; source += 1) table.addressOf(session, source);
    expect(table.addresses.at(given.address)?.owner).toBe(session);
  });

  test("in all there are as many as allowed; kept ones make room, owned ones do not", () => {
    const table = new Table({ addresses: 3 });
    const sessions = Array.from({ length: 3 }, (_, i) => table.session({ identity: certificate(`agent-${i}`) }));
    for (const session of sessions) table.addressOf(session);
    const late = table.session({ identity: certificate("late") });
    expect(table.addresses.ofSource(late, INNER, table.now)).toBe("addresses-exhausted");
    table.release(sessions[1]!);
    table.now += 1;
    table.addressOf(late);
    expect(table.addresses.size).toBe(3);
    expect(table.addresses.deadline()).toBeUndefined();
  });

  test("who changes its source all the time cannot take the addresses of others", () => {
    const table = new Table({ addresses: 100, addressesPerConnection: 16 });
    const victim = table.session({ identity: certificate("victim") });
    const held = table.addressOf(victim);
    const flooder = table.session({ identity: certificate("flooder") });
    for (let source = 1; source < 2000; source += 1) {
      table.now += 1000;
      table.addresses.ofSource(flooder, source, table.now);
      expect(table.addresses.size).toBeLessThanOrEqual(100);
    }
    expect(table.addressOf(victim)).toBe(held);
  });

  test("one identity with many connections uses a quarter of all, and gives back what it uses no more", () => {
    const table = new Table({ addresses: 100 });
    const crowd = Array.from({ length: 25 }, () => table.session({ identity: certificate("crowd") }));
    for (const session of crowd) table.addressOf(session);
    for (const session of crowd) session.heardAt = table.now + 1;
    const late = table.session({ identity: certificate("crowd") });
    expect(table.addresses.ofSource(late, INNER, table.now)).toBe("addresses-exhausted");
    table.addressOf(table.session({ identity: certificate("somebody else") }));
    table.release(crowd[0]!);
    table.addressOf(late);
  });
});
