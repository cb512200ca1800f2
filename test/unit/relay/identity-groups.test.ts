// Connections of one identity.
import { describe, expect, test } from "bun:test";
import { IdentityGroups } from "../../../src/relay/identity-groups.ts";
import { Registry } from "../../../src/relay/registry.ts";
import { certificate, session } from "../../support/relay-world.ts";

const named = (peer: number, name = "shared") => session(peer, { identity: certificate(name) });

describe("identity groups", () => {
  test("name the others of an identity, oldest first", () => {
    const groups = new IdentityGroups();
    const [a, b, c, stranger] = [named(1), named(2), named(3), named(4, "stranger")];
    for (const each of [a, stranger, b, c]) groups.add(each);
    expect([...groups.others(b)]).toEqual([a, c]);
    groups.remove(a);
    expect([...groups.others(b)]).toEqual([c]);
    expect([...groups.others(stranger)]).toEqual([]);
    expect([...groups.others(a)]).toEqual([c, b].toReversed());
  });

  test("look at no more than 64 others, however many there are", () => {
    const groups = new IdentityGroups();
    for (let peer = 1; peer <= 1000; peer += 1) groups.add(named(peer));
    const last = named(1001);
    groups.add(last);
    expect([...groups.others(last)]).toHaveLength(64);
  });

  test("count registrations until their connection ends", () => {
    const groups = new IdentityGroups();
    const registry = new Registry();
    const [a, b] = [named(1), named(2)];
    for (const each of [a, b]) {
      groups.add(each);
      registry.use(each, "web");
      groups.registered(each, 1);
    }
    registry.serve(a, "web");
    groups.registered(a, 1);
    expect(groups.registrations(b)).toBe(3);
    groups.remove(a);
    groups.remove(a);
    expect(groups.registrations(b)).toBe(1);
    groups.remove(b);
    expect(groups.registrations(b)).toBe(0);
    groups.registered(b, 1);
    expect(groups.registrations(b)).toBe(0);
  });
});
