// What a certificate says, as data and in words.
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { type Leaf, parseLeaf } from "../../../src/identity/certificate.ts";
import { describeCertificate, describeGrant, viewCertificate } from "../../../src/pki/inspect.ts";
import type { StoredCertificate } from "../../../src/pki/key-material.ts";
import { certificateBytes, dnsName, subjectAltName } from "../../support/certificate-bytes.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();

function stored(der: Uint8Array): StoredCertificate {
  return { der, facts: parseLeaf(der) as Leaf };
}

test("a view holds the facts under stable names", () => {
  const wallNow = Date.now();
  const view = viewCertificate(stored(pki.severalGrants.der), wallNow);
  const other = new X509Certificate(pki.severalGrants.der);
  expect(view).toEqual({
    subject: "CN=several",
    issuer: "CN=Test CA",
    serial: other.serialNumber.toLowerCase(),
    kind: "client",
    grants: [
      { role: "agent", service: "web", name: "agent.web.ztna" },
      { role: "agent", service: "db", name: "agent.db.ztna" },
      { role: "connector", service: "db", name: "connector.db.ztna" },
    ],
    dns_names: ["agent.web.ztna", "agent.db.ztna", "connector.db.ztna"],
    addresses: [],
    key: "ECDSA P-256",
    not_before: new Date(other.validFrom).toISOString().replace(".000", ""),
    not_after: new Date(other.validTo).toISOString().replace(".000", ""),
    days_left: 364,
    sha256: other.fingerprint256.replaceAll(":", "").toLowerCase(),
    public_key_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test("every kind is named", () => {
  const kind = (der: Uint8Array) => viewCertificate(stored(der), Date.now()).kind;
  expect(kind(pki.ca.der)).toBe("ca");
  expect(kind(pki.server.der)).toBe("server");
  expect(kind(pki.badClients.noPurpose.der)).toBe("other");
});

test("the text says the rights in words, the names and how long it lasts", () => {
  const text = describeCertificate(stored(pki.severalGrants.der), Date.now());
  for (const line of ["may use web", "may use db", "may provide db"]) expect(text).toContain(`rights      ${line}\n`);
  expect(text).toContain("364 days left");
  expect(describeCertificate(stored(pki.server.der), Date.now())).toMatch(
    /names +ztna-server, localhost, relay.test\naddresses +127/,
  );
  expect(describeCertificate(stored(pki.ca.der), Date.now())).toMatch(/issuer +itself\nkind +CA certificate/);
  expect(describeCertificate(stored(pki.badClients.noZtnaName.der), Date.now())).toContain(
    "none: it carries no ZTNA name",
  );
  expect(describeCertificate(stored(pki.badClients.expired.der), Date.now())).toContain("Z, expired\n");
  expect(describeCertificate(stored(pki.badClients.notYetValid.der), Date.now())).toContain("not yet valid");
});

test("grants are said in words", () => {
  expect(describeGrant({ role: "agent", service: "*" })).toBe("may use every service");
  expect(describeGrant({ role: "connector", service: "db" })).toBe("may provide db");
});

test("a name that tries to look like several is shown in quotes", () => {
  const forged = "agent.x, DNS:agent.*.ztna";
  const text = describeCertificate(stored(certificateBytes({ extensions: [subjectAltName(dnsName(forged))] })), 0);
  expect(text).toContain(`names       "${forged}"\n`);
  expect(text).not.toContain("every service");
});
