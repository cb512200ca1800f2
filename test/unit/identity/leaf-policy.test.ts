// What is demanded of a leaf beyond its chain, each fault on a certificate that is otherwise good.
import { describe, expect, test } from "bun:test";
import { type Leaf, parseLeaf } from "../../../src/identity/certificate.ts";
import { checkLeaf, identityOf, isWeakKey, type LeafFault, PURPOSE_OIDS } from "../../../src/identity/leaf-policy.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();
const NOW = 1_800_000_000_000;

function leaf(changes: Partial<Leaf> = {}): Leaf {
  return {
    commonName: "laptop",
    dnsNames: ["agent.web.ztna"],
    ipAddresses: [],
    isCa: false,
    extendedKeyUsages: [PURPOSE_OIDS.client],
    keyUsage: ["digitalSignature"],
    key: { kind: "ec", bits: 256 },
    notBefore: NOW - 1000,
    notAfter: NOW + 1000,
    serial: "01",
    spkiSha256: "ab",
    subject: "CN=laptop",
    issuer: "CN=CA",
    ...changes,
  };
}

function without<Key extends keyof Leaf>(key: Key): Leaf {
  const { [key]: _, ...rest } = leaf();
  return rest as Leaf;
}

test("a good client leaf has no fault as a client and the wrong purpose as a server", () => {
  expect(checkLeaf(leaf(), "client", NOW)).toBeUndefined();
  expect(checkLeaf(leaf(), "server", NOW)).toBe("wrong-purpose");
});

describe("faults of a client leaf", () => {
  const table: readonly [string, Leaf, LeafFault][] = [
    ["a CA", leaf({ isCa: true }), "ca-as-leaf"],
    ["a key that may sign certificates", leaf({ keyUsage: ["digitalSignature", "keyCertSign"] }), "ca-as-leaf"],
    ["RSA 1024", leaf({ key: { kind: "rsa", bits: 1024 } }), "weak-key"],
    ["RSA 2047", leaf({ key: { kind: "rsa", bits: 2047 } }), "weak-key"],
    ["P-224", leaf({ key: { kind: "ec", bits: 224 } }), "weak-key"],
    ["an unknown key", leaf({ key: { kind: "other", bits: 0 } }), "weak-key"],
    ["the other purpose", leaf({ extendedKeyUsages: [PURPOSE_OIDS.server] }), "wrong-purpose"],
    ["any purpose", leaf({ extendedKeyUsages: ["2.5.29.37.0"] }), "wrong-purpose"],
    ["an empty purpose", leaf({ extendedKeyUsages: [] }), "wrong-purpose"],
    ["no purpose at all", without("extendedKeyUsages"), "wrong-purpose"],
    ["a key that may not sign", leaf({ keyUsage: ["keyEncipherment"] }), "wrong-purpose"],
    ["the end reached", leaf({ notAfter: NOW - 1 }), "expired"],
    ["the beginning ahead", leaf({ notBefore: NOW + 1 }), "not-yet-valid"],
    ["no common name", without("commonName"), "no-name"],
  ];
  test.each(table)("%s", (_, faulty, fault) => {
    expect(checkLeaf(faulty, "client", NOW)).toBe(fault);
  });
});

test("the first and the last moment are valid", () => {
  expect(checkLeaf(leaf({ notAfter: NOW }), "client", NOW)).toBeUndefined();
  expect(checkLeaf(leaf({ notBefore: NOW }), "client", NOW)).toBeUndefined();
});

test("both purposes in one certificate serve both, and without a key usage every use is allowed", () => {
  const both = leaf({ extendedKeyUsages: [PURPOSE_OIDS.server, PURPOSE_OIDS.client] });
  expect([checkLeaf(both, "client", NOW), checkLeaf(both, "server", NOW)]).toEqual([undefined, undefined]);
  expect(checkLeaf(without("keyUsage"), "client", NOW)).toBeUndefined();
});

test("a server needs no common name", () => {
  const server = { ...without("commonName"), extendedKeyUsages: [PURPOSE_OIDS.server] };
  expect(checkLeaf(server, "server", NOW)).toBeUndefined();
});

test("strong keys of every kind are not weak", () => {
  for (const bits of [2048, 3072, 4096]) expect(isWeakKey({ kind: "rsa", bits })).toBe(false);
  for (const bits of [256, 384, 521]) expect(isWeakKey({ kind: "ec", bits })).toBe(false);
  expect(isWeakKey({ kind: "ed25519", bits: 256 })).toBe(false);
});

describe("real certificates", () => {
  const read = (der: Uint8Array) => parseLeaf(der) as Leaf;

  test("good ones of every key type pass", () => {
    for (const { der } of [pki.agent, pki.connector, pki.severalGrants, pki.rsaAgent, pki.ed25519Agent]) {
      expect(checkLeaf(read(der), "client", Date.now())).toBeUndefined();
    }
    for (const { der } of [pki.server, pki.p2pServer]) {
      expect(checkLeaf(read(der), "server", Date.now())).toBeUndefined();
    }
  });

  const faults: readonly [keyof typeof pki.badClients, LeafFault | undefined][] = [
    ["caAsLeaf", "ca-as-leaf"],
    ["weakRsa", "weak-key"],
    ["wrongPurpose", "wrong-purpose"],
    ["noPurpose", "wrong-purpose"],
    ["expired", "expired"],
    ["notYetValid", "not-yet-valid"],
    ["noCommonName", "no-name"],
    ["wrongCa", undefined],
    ["noZtnaName", undefined],
  ];
  test.each(faults)("the bad client %s has the fault %s", (kind, fault) => {
    expect(checkLeaf(read(pki.badClients[kind].der), "client", Date.now())).toBe(fault as LeafFault);
  });
});

test("an identity is the key, the name and the grants; other names are left out", () => {
  expect(identityOf(leaf({ dnsNames: ["www.example.org", "Agent.Web.ztna", "connector.*.ztna"] }))).toEqual({
    kind: "certificate",
    id: "ab",
    name: "laptop",
    grants: [
      { role: "agent", service: "web" },
      { role: "connector", service: "*" },
    ],
    serial: "01",
    notAfter: NOW + 1000,
  });
});

test("without a common name the first other name stands in", () => {
  expect(identityOf({ ...without("commonName"), dnsNames: ["relay.example.org"] }).name).toBe("relay.example.org");
  expect(identityOf({ ...without("commonName"), dnsNames: [], ipAddresses: ["192.0.2.1"] }).name).toBe("192.0.2.1");
  expect(identityOf({ ...without("commonName"), dnsNames: [] }).name).toBe("");
});

test("a renewal with the same key has the same id, another key another one", () => {
  const [first, second] = [pki.agent, pki.connector].map(({ der }) => identityOf(parseLeaf(der) as Leaf).id);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(second).not.toBe(first as string);
});
