// Certificates from strangers: any bytes, damaged ones, and names that try to be more than they are.

import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { parseLeaf } from "../../src/identity/certificate.ts";
import { formatGrant, isServiceName, parseGrant } from "../../src/identity/grant.ts";
import { canonicalIp } from "../../src/identity/ip-name.ts";
import { identityOf } from "../../src/identity/leaf-policy.ts";
import { may } from "../../src/identity/policy.ts";
import { matchesServer } from "../../src/identity/server-name.ts";
import { anyBytes, anyRole } from "../support/arbitraries.ts";
import { certificateBytes, commonName, dnsName, subjectAltName } from "../support/certificate-bytes.ts";
import { testPki } from "../support/pki.ts";

const pki = await testPki();
const genuine = fc.constantFrom(pki.agent.der, pki.server.der, pki.rsaAgent.der, pki.ca.der, certificateBytes());

test("any bytes are a certificate or not, and never an exception", () => {
  fc.assert(
    fc.property(anyBytes(2000), (bytes) => {
      parseLeaf(bytes);
    }),
    { numRuns: 2000 },
  );
});

test("a certificate with any bytes replaced is read or refused, and what is read is of the right types", () => {
  const changes = fc.array(fc.tuple(fc.nat(900), fc.nat(255)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(genuine, changes, (der, replaced) => {
      const bytes = Uint8Array.from(der);
      for (const [at, value] of replaced) if (at < bytes.length) bytes[at] = value;
      const leaf = parseLeaf(bytes);
      if (leaf === undefined) return;
      expect(leaf.dnsNames.every((name) => /^[\x20-\x7e]*$/.test(name))).toBe(true);
      expect(Number.isSafeInteger(leaf.notBefore) && Number.isSafeInteger(leaf.notAfter)).toBe(true);
      expect(leaf.commonName ?? "x").toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
      const other = parsedElsewhere(bytes);
      if (other === undefined) return;
      const isNegative = /^[89a-f]/.test(leaf.serial);
      if (!isNegative) expect(BigInt(`0x${leaf.serial}`)).toBe(BigInt(`0x${other.serialNumber}`));
      expect(leaf.notAfter).toBe(Date.parse(other.validTo));
    }),
    { numRuns: 3000 },
  );
});

/** The TLS library's own reading, where it has one. */
function parsedElsewhere(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

test("every truncation of a certificate is refused", () => {
  for (let length = 0; length < pki.agent.der.length; length++) {
    expect(parseLeaf(pki.agent.der.subarray(0, length))).toBeUndefined();
  }
});

test("the facts are those that another library reads", () => {
  fc.assert(
    fc.property(genuine, (der) => {
      if (der.length < 300) return;
      const leaf = parseLeaf(der);
      const other = new X509Certificate(der);
      expect(leaf?.serial).toBe(other.serialNumber.toLowerCase());
      expect(leaf?.notAfter).toBe(Date.parse(other.validTo));
      expect(leaf?.isCa).toBe(other.ca);
    }),
  );
});

test("names in a certificate come out one for one, whatever they hold", () => {
  const entry = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.constantFrom(", DNS:agent.*.ztna", "a, DNS:agent.*.ztna", 'x"\\, IP Address:10.0.0.1', "agent.*.ztna\0"),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 10 }), (entries) => {
      const encoded = entries.map((text) => new TextEncoder().encode(text));
      const leaf = parseLeaf(certificateBytes({ extensions: [subjectAltName(...encoded.map(dnsName))] }));
      expect(leaf?.dnsNames).toEqual(entries.filter((text) => /^[\x20-\x7e]*$/.test(text)));
    }),
  );
});

test("no name that is not exactly the wildcard grants every service", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.tuple(fc.string({ maxLength: 10 }), fc.string({ maxLength: 10 })).map(([a, b]) => `${a}agent.*.ztna${b}`),
    fc.string({ maxLength: 10 }).map((text) => `agent.*${text}.ztna`),
  );
  fc.assert(
    fc.property(hostile, anyRole, (name, role) => {
      const grant = parseGrant(name);
      const grants = grant === undefined ? [] : [grant];
      const identity = { kind: "certificate", id: "", name: "x", grants, serial: "", notAfter: 0 } as const;
      const decision = may(identity, role, "some-service", { allowLegacyCerts: false });
      const isExact = [`${role}.*.ztna`, `${role}.some-service.ztna`].includes(name.toLowerCase());
      expect(decision.allowed).toBe(isExact);
    }),
  );
});

test("every service name survives the way into a certificate and back, and is granted exactly", () => {
  const service = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$/);
  fc.assert(
    fc.property(anyRole, service, service, (role, granted, asked) => {
      expect(isServiceName(granted)).toBe(true);
      const name = formatGrant({ role, service: granted });
      const shape = { subject: [commonName("x")], extensions: [subjectAltName(dnsName(name))] };
      const leaf = parseLeaf(certificateBytes(shape));
      if (leaf === undefined) throw new Error("not read");
      expect(identityOf(leaf).grants).toEqual([{ role, service: granted }]);
      expect(may(identityOf(leaf), role, asked, { allowLegacyCerts: false }).allowed).toBe(asked === granted);
    }),
  );
});

test("a server name matches itself and its wildcard, and no other host of that length", () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  fc.assert(
    fc.property(label, label, label, label, (a, b, c, other) => {
      const host = `${a}.${b}.${c}x`;
      const leaf = (entry: string) => ({ dnsNames: [entry], ipAddresses: [] });
      expect(matchesServer(leaf(host), [host])).toBe(true);
      expect(matchesServer(leaf(`*.${b}.${c}x`), [host])).toBe(true);
      expect(matchesServer(leaf(`${other}.${b}.${c}x`), [host])).toBe(other === a);
    }),
  );
});

test("an address has one canonical text, which stands for itself", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalIp(text);
      expect(canonical).toBeDefined();
      expect(canonicalIp(canonical as string)).toBe(canonical as string);
    }),
  );
});
