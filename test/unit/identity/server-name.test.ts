// Which names a server's certificate answers to.
import { expect, test } from "bun:test";
import { matchesServer } from "../../../src/identity/server-name.ts";

function matches(
  entries: { dns?: readonly string[]; ip?: readonly string[] },
  ...expected: readonly string[]
): boolean {
  return matchesServer({ dnsNames: entries.dns ?? [], ipAddresses: entries.ip ?? [] }, expected);
}

const matching: readonly [string, string][] = [
  ["relay.example.org", "relay.example.org"],
  ["relay.example.org", "RELAY.example.ORG"],
  ["Relay.Example.ORG", "relay.example.org"],
  ["relay.example.org", "relay.example.org."],
  ["ztna-server", "ztna-server"],
  ["*.example.org", "relay.example.org"],
  ["*.EXAMPLE.org", "relay.example.org"],
];
test.each(matching)("%s answers to %s", (entry, name) => {
  expect(matches({ dns: [entry] }, name)).toBe(true);
});

const strange: readonly [string, string][] = [
  ["relay.example.org", "other.example.org"],
  ["example.org", "relay.example.org"],
  ["*.example.org", "example.org"],
  ["*.example.org", ".example.org"],
  ["*.example.org", "a.b.example.org"],
  ["*.example.org", "relay.example.com"],
  ["*.org", "example.org"],
  ["*", "relay"],
  ["*.", "relay."],
  ["r*.example.org", "relay.example.org"],
  ["relay.*.org", "relay.example.org"],
  ["**.example.org", "relay.example.org"],
  ["relay.example.org.", "relay.example.org"],
  ["", ""],
  ["*.example.org", "*.example.org"],
  ["x, DNS:relay.example.org", "relay.example.org"],
];
test.each(strange)("%j does not answer to %j", (entry, name) => {
  expect(matches({ dns: [entry] }, name)).toBe(false);
});

test("an address is looked for among the addresses only, a name among the names only", () => {
  expect(matches({ ip: ["127.0.0.1"] }, "127.0.0.1")).toBe(true);
  expect(matches({ dns: ["127.0.0.1"] }, "127.0.0.1")).toBe(false);
  expect(matches({ ip: ["127.0.0.1"], dns: ["localhost"] }, "127.0.0.2")).toBe(false);
  expect(matches({ dns: ["*.0.0.1"] }, "127.0.0.1")).toBe(false);
});

test("every way to write an IPv6 address is the same address", () => {
  const written = ["2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8::0001"];
  for (const name of written) expect(matches({ ip: ["2001:db8::1"] }, name)).toBe(true);
  expect(matches({ ip: ["127.0.0.1"] }, "::ffff:127.0.0.1")).toBe(true);
  expect(matches({ ip: ["2001:db8::1"] }, "2001:db8::2")).toBe(false);
});

test("any one of the expected names is enough, and none expected is never enough", () => {
  expect(matches({ dns: ["ztna-server"] }, "203.0.113.1", "ztna-server")).toBe(true);
  expect(matches({ dns: ["ztna-server"] })).toBe(false);
});

test("the common name is never asked", () => {
  const leaf = { commonName: "relay.example.org", dnsNames: [], ipAddresses: [] };
  expect(matchesServer(leaf, ["relay.example.org"])).toBe(false);
});
