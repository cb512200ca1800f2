// A newcomer and the older connections of its identity: whom it follows, when it gets the address, and when it does not.
import { describe, expect, test } from "bun:test";
import { Registry } from "../../../src/relay/registry.ts";
import { INNER, Table } from "../../support/address-table.ts";
import { certificate } from "../../support/relay-world.ts";

/** A connection, and after a while a newer one that has met it. */
function follow(afterMs = 0) {
  const table = new Table();
  const older = table.session();
  const held = table.addressOf(older);
  table.now += afterMs;
  const newer = table.session();
  const given = table.addressOf(newer);
  return { table, older, held, newer, given };
}

describe("an older connection of the same identity", () => {
  test("that is alive keeps its address: the newcomer gets the next one for good", () => {
    const table = new Table();
    const older = table.session();
    const held = table.addressOf(older);
    table.now += 500;
    const newer = table.session();
    older.heardAt = ++table.now;
    const given = table.addressOf(newer);
    expect(given.address).toBe(held.address + 1);
    expect(given.contested).toBeUndefined();
    expect(table.asked).toEqual([]);
  });

  test("that has said nothing since is asked; until it answers the newcomer has another address", () => {
    const { table, older, held, newer, given } = follow();
    expect(given.address).toBe(held.address + 1);
    expect(given.contested).toBe(held);
    expect(table.asked).toEqual([older]);
    older.heardAt = table.now + 10;
    table.now += 20;
    expect(table.addressOf(newer)).toBe(given);
    expect(given.contested).toBeUndefined();
    table.now += 60_000;
    older.silent = true;
    expect(table.addressOf(newer)).toBe(given);
  });

  test("that answered and then was silent again has answered all the same", () => {
    const { table, older, newer, given } = follow(1000);
    older.heardAt = table.now + 10;
    table.now += 5000;
    expect(table.addressOf(newer)).toBe(given);
    expect(given.contested).toBeUndefined();
  });

  test("leaves its flows, too: the newcomer's packets go to the connectors that know them", () => {
    const table = new Table();
    const registry = new Registry();
    const knows = registry.serve(table.session({ identity: certificate("connector") }), "web");
    const newest = registry.serve(table.session({ identity: certificate("newer") }), "web");
    registry.refresh(knows.service);
    const older = table.session();
    registry.use(older, "web");
    table.addressOf(older);
    older.uses[0]!.bound = knows;
    table.now += 1000;
    const newer = table.session();
    registry.use(newer, "web");
    const route = () => registry.connectorFor(newer.uses[0]!, table.addressOf(newer).bindings);
    expect(route()).toBe(newest);
    older.silent = true;
    table.addressOf(newer);
    expect(route()).toBe(knows);
  });

  test("that does not answer loses it to the newcomer, which still gets replies to the other one", () => {
    const { table, older, held, newer, given } = follow(1000);
    older.silent = true;
    expect(table.addressOf(newer)).toBe(held);
    expect(held.owner).toBe(newer);
    expect(table.addresses.at(given.address)?.owner).toBe(newer);
    expect(table.addressOf(newer)).toBe(held);
    table.addressOf(newer, INNER + 1);
    expect(table.addressOf(newer)).toBe(held);
    expect(older.addresses).toEqual([]);
    older.silent = false;
    older.heardAt = table.now + 1;
    table.now += 5000;
    expect(table.addressOf(older).address).toBe(held.address + 2);
    expect(held.owner).toBe(newer);
  });

  test("leaves two ordinary addresses behind when both are gone", () => {
    const { table, older, held, newer, given } = follow(1000);
    older.silent = true;
    expect(table.addressOf(newer)).toBe(held);
    table.release(newer);
    const [first, second] = [table.session(), table.session()];
    expect(table.addressOf(first)).toBe(held);
    expect(table.addressOf(second)).toBe(given);
    table.addressOf(second, INNER + 1);
    expect(table.addressOf(second)).toBe(given);
  });

  test("that is known to be silent loses it at once", () => {
    const table = new Table();
    const older = table.session();
    const held = table.addressOf(older);
    older.silent = true;
    expect(table.addressOf(table.session())).toBe(held);
  });

  test("that leaves while it is asked gives it up too", () => {
    const { table, older, held, newer } = follow(3000);
    table.release(older);
    expect(table.addressOf(newer)).toBe(held);
    expect(table.addresses.deadline()).toBeUndefined();
  });

  test("is followed by a newcomer that sends nothing: what comes for the address reaches it at once", () => {
    for (const end of ["leaves", "silent"]) {
      const { table, older, held, newer, given } = follow();
      if (end === "leaves") table.release(older);
      else {
        older.silent = true;
        table.addresses.silenced(older);
      }
      expect(held.owner).toBe(newer);
      expect(table.addresses.at(given.address)?.owner).toBe(newer);
      expect(table.addressOf(newer)).toBe(held);
      table.release(newer);
      expect(table.addresses.at(held.address)?.owner).toBeUndefined();
    }
  });

  test("that has answered leaves its address to nobody, nor to a newcomer that is gone itself", () => {
    for (const heir of ["answered", "gone"]) {
      const { table, older, held, newer } = follow();
      if (heir === "answered") older.heardAt = ++table.now;
      else table.release(newer);
      table.release(older);
      expect(held.owner).toBeUndefined();
    }
  });

  test("that was quiet for longest is the one that may have been followed", () => {
    const table = new Table();
    const [lively, quiet] = [table.session(), table.session()];
    table.addressOf(lively);
    const held = table.addressOf(quiet);
    lively.heardAt = table.now += 1000;
    expect(table.addressOf(table.session()).contested).toBe(held);
  });

  test("from the same socket is followed before others, then one from the same host, then the quietest", () => {
    const table = new Table();
    const from = (host: string, port: number) => table.session({ host, port });
    const old = [from("192.0.2.1", 1), from("192.0.2.1", 2), from("192.0.2.9", 1), from("192.0.2.8", 1)];
    const held = old.map((session) => table.addressOf(session));
    table.now += 1000;
    for (const session of old.slice(0, 3)) session.heardAt = table.now;
    const formerOf = (host: string, port: number) => table.addressOf(from(host, port)).contested;
    expect(formerOf("192.0.2.1", 2)).toBe(held[1]);
    expect(formerOf("192.0.2.9", 7)).toBe(held[2]);
    expect(formerOf("192.0.2.7", 7)).toBe(held[3]);
  });

  test("is followed rather than somebody who left from elsewhere; each gets its own again after an outage", () => {
    const table = new Table();
    const ports = [1, 2, 3, 4];
    const before = ports.map((port) => table.session({ port }));
    const held = before.map((session) => table.addressOf(session));
    for (const session of before) session.heardAt = table.now + 1;
    table.release(before[0]!);
    table.release(before[2]!);
    table.now += 1;
    const after = [4, 3, 2, 1].map((port) => table.session({ port }));
    for (const session of after) table.addressOf(session);
    for (const session of [before[1]!, before[3]!]) table.release(session);
    expect(after.map((session) => held.indexOf(table.addressOf(session)))).toEqual([3, 2, 1, 0]);
  });

  test("whose address lapsed or went to a third one is waited for no longer", () => {
    const table = new Table();
    const older = table.session();
    const held = table.addressOf(older);
    table.now += 3000;
    const [newer, third] = [table.session(), table.session()];
    const given = table.addressOf(newer);
    older.silent = true;
    expect(table.addressOf(third)).toBe(held);
    third.heardAt = table.now + 1;
    expect(table.addressOf(newer)).toBe(given);
    expect(given.contested).toBeUndefined();
  });
});
