// Which certificate names grant what.
import { describe, expect, test } from "bun:test";
import { formatGrant, type Grant, isServiceName, parseGrant } from "../../../src/identity/grant.ts";

describe("the names of the protocol's table", () => {
  const table: readonly [string, Grant | undefined][] = [
    ["agent.echo-service.ztna", { role: "agent", service: "echo-service" }],
    ["Connector.Web-App.ZTNA", { role: "connector", service: "web-app" }],
    ["agent.*.ztna", { role: "agent", service: "*" }],
    ["connector.*.ztna", { role: "connector", service: "*" }],
    ["agent.a.b.ztna", { role: "agent", service: "a.b" }],
    ["agent.web-*.ztna", { role: "agent", service: "web-*" }],
    ["admin.x.ztna", undefined],
    ["x.ztna", undefined],
    ["agent..ztna", undefined],
    ["www.example.com", undefined],
  ];
  test.each(table)("%s", (name, grant) => {
    expect(parseGrant(name)).toEqual(grant as Grant);
  });
});

test.each(["", ".", ".ztna", "ztna", "agent.ztna", "agent", "agentweb.ztna", ".web.ztna", "agent.web.ztna."])(
  "%j grants nothing",
  (name) => {
    expect(parseGrant(name)).toBeUndefined();
  },
);

test.each([
  "agent.web.ztna\0",
  "agent.web.ztna\n",
  "agent.\0.ztna",
  "agent.wéb.ztna",
  "agent.\u212ay.ztna",
  "agent.web.ZTN\u00c5",
])("%j grants nothing, because it is not printable ASCII", (name) => {
  expect(parseGrant(name)).toBeUndefined();
});

test("a name that looks like a list grants one odd service, not the list", () => {
  expect(parseGrant("agent.x, DNS:agent.*.ztna")).toEqual({ role: "agent", service: "x, dns:agent.*" });
  expect(parseGrant("www.example.com, DNS:agent.*.ztna")).toBeUndefined();
});

test("a grant is formatted as the name that carries it", () => {
  expect(formatGrant({ role: "connector", service: "a.b" })).toBe("connector.a.b.ztna");
  expect(formatGrant({ role: "agent", service: "*" })).toBe("agent.*.ztna");
});

test.each(["a", "0", "web", "web-app", "a.b", "a..b", "a--b", "x".repeat(200)])("%j is a service name", (name) => {
  expect(isServiceName(name)).toBe(true);
});

test.each(["", "-a", "a-", ".a", "a.", "A", "a b", "a,b", "a\n", "*", "web-*", "ü", "a_b", "x".repeat(201)])(
  "%j is no service name",
  (name) => {
    expect(isServiceName(name)).toBe(false);
  },
);
