// The authorization matrix: who may register as what.
import { describe, expect, test } from "bun:test";
import { parseGrant, type Role } from "../../../src/identity/grant.ts";
import { ANONYMOUS, type Identity } from "../../../src/identity/identity.ts";
import { type Decision, may } from "../../../src/identity/policy.ts";

const STRICT = { allowLegacyCerts: false };

function holder(...names: readonly string[]): Identity {
  const grants = names.flatMap((name) => parseGrant(name) ?? []);
  return { kind: "certificate", id: "00", name: "holder", grants, serial: "01", notAfter: 0 };
}

function decide(names: readonly string[], role: Role, service: string): Decision {
  return may(holder(...names), role, service, STRICT);
}

const hundred = Array.from({ length: 100 }, (_, i) => `agent.service-${i}.ztna`);

describe("allowed", () => {
  const table: readonly [string, readonly string[], Role, string, string][] = [
    ["exact", ["agent.web.ztna"], "agent", "web", "agent.web.ztna"],
    ["exact, connector", ["connector.web.ztna"], "connector", "web", "connector.web.ztna"],
    ["wildcard", ["agent.*.ztna"], "agent", "web", "agent.*.ztna"],
    ["wildcard, connector", ["connector.*.ztna"], "connector", "db", "connector.*.ztna"],
    ["wildcard for the empty id", ["agent.*.ztna"], "agent", "", "agent.*.ztna"],
    ["wildcard for upper case", ["agent.*.ztna"], "agent", "Web", "agent.*.ztna"],
    ["the last of several", ["agent.a.ztna", "connector.b.ztna", "agent.b.ztna"], "agent", "b", "agent.b.ztna"],
    ["each role by its own name", ["agent.a.ztna", "connector.a.ztna"], "connector", "a", "connector.a.ztna"],
    ["a name in upper case", ["AGENT.WEB.ZTNA"], "agent", "web", "agent.web.ztna"],
    ["dots in the service", ["agent.a.b.ztna"], "agent", "a.b", "agent.a.b.ztna"],
    ["the first of 100", hundred, "agent", "service-0", "agent.service-0.ztna"],
    ["the last of 100", hundred, "agent", "service-99", "agent.service-99.ztna"],
    ["a partial wildcard, literally", ["agent.web-*.ztna"], "agent", "web-*", "agent.web-*.ztna"],
  ];
  test.each(table)("%s", (_, names, role, service, rule) => {
    expect(decide(names, role, service)).toEqual({ allowed: true, rule });
  });
});

describe("refused as not granted", () => {
  const table: readonly [string, readonly string[], Role, string][] = [
    ["wrong service", ["agent.web.ztna"], "agent", "db"],
    ["wrong role", ["agent.web.ztna"], "connector", "web"],
    ["wrong role, the other way round", ["connector.web.ztna"], "agent", "web"],
    ["wildcard of the wrong role", ["connector.*.ztna"], "agent", "web"],
    ["several names, none fits", ["agent.a.ztna", "agent.b.ztna", "connector.c.ztna"], "agent", "c"],
    ["upper case in the id", ["agent.web.ztna"], "agent", "Web"],
    ["a prefix", ["agent.web.ztna"], "agent", "we"],
    ["an extension", ["agent.web.ztna"], "agent", "web.a"],
    ["the empty id", ["agent.web.ztna"], "agent", ""],
    ["a partial wildcard does not match", ["agent.web-*.ztna"], "agent", "web-1"],
    ["the id * without the wildcard", ["agent.web.ztna"], "agent", "*"],
    ["101st of 100", hundred, "agent", "service-100"],
    ["an id with a NUL byte", ["agent.web.ztna"], "agent", "web\0"],
    ["a look-alike", ["agent.web.ztna"], "agent", "wеb"],
  ];
  test.each(table)("%s", (_, names, role, service) => {
    expect(decide(names, role, service)).toMatchObject({ allowed: false, reason: "not-granted" });
  });
});

test("a certificate without a ZTNA name has no rights", () => {
  for (const names of [[], ["www.example.com"], ["admin.web.ztna"], ["agent..ztna"]]) {
    for (const role of ["agent", "connector"] as const) {
      expect(decide(names, role, "web")).toMatchObject({ allowed: false, reason: "no-ztna-name" });
    }
  }
});

test("--allow-legacy-certs gives rights to certificates without names, and to no others", () => {
  const legacy = { allowLegacyCerts: true };
  expect(may(holder("www.example.com"), "connector", "web", legacy)).toMatchObject({ allowed: true });
  expect(may(holder("agent.web.ztna"), "connector", "web", legacy)).toMatchObject({
    allowed: false,
    reason: "not-granted",
  });
});

test("an anonymous peer, which exists only where the operator allows it, may do everything", () => {
  expect(may(ANONYMOUS, "connector", "web", STRICT)).toMatchObject({ allowed: true });
});

test("a refusal names the certificate that would be needed", () => {
  const refused = decide(["agent.web.ztna"], "agent", "db");
  expect(refused).toEqual({
    allowed: false,
    reason: "not-granted",
    rule: "no name of the certificate grants this service to an agent",
    fix: "issue a certificate with the name agent.db.ztna",
  });
  const nameless = decide([], "connector", "db");
  expect(nameless.allowed ? "" : nameless.fix).toBe(
    "issue a certificate with the name connector.db.ztna; --allow-legacy-certs on the relay gives such certificates every right",
  );
});

test("a refusal repeats no id that is not a service name, and says what helps there", () => {
  const refused = decide(["agent.web.ztna"], "agent", 'EVIL"\n\u001b[31m');
  expect(JSON.stringify(refused)).not.toContain("EVIL");
  expect(refused.allowed ? "" : refused.fix).toContain("agent.*.ztna");
});
