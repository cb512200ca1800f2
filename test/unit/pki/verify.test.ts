// Verification before deployment: every fault is found, named and comes with a fix.
import { describe, expect, test } from "bun:test";
import { type Leaf, parseLeaf } from "../../../src/identity/certificate.ts";
import { openAuthority } from "../../../src/pki/authority.ts";
import { findChain } from "../../../src/pki/chain.ts";
import { readCertificates, readKey, type StoredCertificate } from "../../../src/pki/key-material.ts";
import { type Check, type VerifyRequest, verifyCertificate } from "../../../src/pki/verify.ts";
import { x509 } from "../../../src/pki/x509-library.ts";
import { type LeafShape, type TestCredential, testPki } from "../../support/pki.ts";

const pki = await testPki();

function stored({ der }: TestCredential): StoredCertificate {
  return { der, facts: parseLeaf(der) as Leaf };
}

function verify(leaf: TestCredential, changes: Partial<VerifyRequest> = {}): readonly Check[] {
  const certificates = [stored(leaf)] as [StoredCertificate];
  return verifyCertificate(
    { certificates, anchors: [stored(pki.ca)], names: [], registrations: [], ...changes },
    Date.now(),
  );
}

function failures(checks: readonly Check[]): string[] {
  return checks.filter(({ ok }) => !ok).map(({ check }) => check);
}

test("good certificates pass every check", () => {
  const { key } = readKey(pki.server.keyFile, { allowOpenKeys: false });
  const checks = verify(pki.server, { names: [["relay.test"], ["127.0.0.1"], ["ztna-server"]], key });
  expect(checks.map(({ check, ok }) => `${check} ${ok}`)).toEqual([
    "purpose true",
    "chain true",
    "name true",
    "name true",
    "name true",
    "key true",
  ]);
  expect(checks[1]?.detail).toBe("CN=server <- CN=Test CA");
  expect(failures(verify(pki.agent, { registrations: [{ role: "agent", service: "web" }] }))).toEqual([]);
});

test("the purpose is what the certificate says unless it is given", () => {
  expect(failures(verify(pki.server))).toEqual([]);
  expect(failures(verify(pki.server, { purpose: "client" }))).toEqual(["purpose"]);
  expect(failures(verify(pki.agent, { purpose: "server" }))).toEqual(["purpose"]);
});

describe("bad clients", () => {
  const table: readonly [keyof typeof pki.badClients, readonly string[], RegExp][] = [
    ["wrongCa", ["chain"], /issued by CN=Other CA, which is not in the CA file/],
    ["noZtnaName", ["rights"], /no-ztna-name/],
    ["noCommonName", ["purpose"], /no common name/],
    ["expired", ["purpose", "chain"], /expired on \d{4}-\d\d-\d\d/],
    ["notYetValid", ["purpose", "chain"], /valid only from/],
    ["caAsLeaf", ["purpose"], /CA certificate/],
    ["weakRsa", ["purpose"], /too weak/],
    ["wrongPurpose", ["purpose"], /no client certificate/],
    ["noPurpose", ["purpose"], /no client certificate/],
  ];
  test.each(table)("%s fails %j", (kind, expected, words) => {
    const request = { purpose: "client", registrations: [{ role: "agent", service: "web" }] } as const;
    const checks = verify(pki.badClients[kind], request);
    expect(failures(checks)).toEqual([...expected]);
    const [first] = checks.filter(({ ok }) => !ok);
    expect(first?.detail).toMatch(words);
    expect(first?.fix).toBeString();
  });
});

test("a missing name, a missing right and a foreign key are each found", () => {
  const { key } = readKey(pki.connector.keyFile, { allowOpenKeys: false });
  const registrations = [
    { role: "agent", service: "web" },
    { role: "connector", service: "web" },
  ] as const;
  const checks = verify(pki.agent, { names: [["relay.test"]], registrations, key });
  expect(failures(checks)).toEqual(["name", "rights", "key"]);
  expect(checks.map(({ detail }) => detail)).toContain("not valid for relay.test, only for agent.web.ztna");
});

describe("chains", () => {
  async function intermediate(name: string, shape: LeafShape = {}): Promise<TestCredential> {
    return pki.craft(name, { isCa: true, dnsNames: [], ...shape });
  }

  async function leafOf(issuer: TestCredential, name: string): Promise<TestCredential> {
    return pki.craft(name, { signer: await openAuthority(issuer.certPem, issuer.keyPem) });
  }

  test("an authority made anew under the old name did not sign the old leaves", async () => {
    const namesake = await pki.craft("Test CA", { isCa: true, dnsNames: [] });
    const chain = findChain(stored(pki.agent), [], [stored(namesake)], Date.now());
    expect(chain).toMatchObject({ ok: false, detail: expect.stringContaining("did not sign it") });
  });

  test("an intermediate is followed when it comes along, and only then", async () => {
    const root = await pki.craft("Deep Root", { isRoot: true, isCa: true, dnsNames: [] });
    const signer = await openAuthority(root.certPem, root.keyPem);
    const middle = await intermediate("Middle", { signer });
    const leaf = await leafOf(middle, "deep-leaf");
    const found = findChain(stored(leaf), [stored(middle)], [stored(root)], Date.now());
    expect(found.ok && found.path.map(({ facts }) => facts.subject)).toEqual([
      "CN=deep-leaf",
      "CN=Middle",
      "CN=Deep Root",
    ]);
    const missing = findChain(stored(leaf), [], [stored(root)], Date.now());
    expect(missing).toMatchObject({
      ok: false,
      detail: "CN=deep-leaf was issued by CN=Middle, which is not in the CA file",
    });
  });

  test("an authority that may only sign leaves has no authority below it", async () => {
    const middle = await intermediate("Forbidden Middle");
    const chain = findChain(stored(await leafOf(middle, "too-deep")), [stored(middle)], [stored(pki.ca)], Date.now());
    expect(chain).toMatchObject({ ok: false, detail: expect.stringContaining("may not have so many CAs below it") });
  });

  test("a leaf cannot issue, whatever its key may sign", async () => {
    for (const maySignCertificates of [false, true]) {
      const fake = await pki.craft("Fake CA", { maySignCertificates });
      const signer = await openAuthority(fake.certPem, fake.keyPem);
      const below = await pki.craft("below-a-leaf", { signer });
      expect(findChain(stored(below), [stored(fake)], [stored(pki.ca)], Date.now()).ok).toBe(false);
      expect(findChain(stored(below), [], [stored(fake)], Date.now()).ok).toBe(false);
    }
  });

  test.each([
    ["expired", { validFrom: -20, validTo: -1 }, "expired"],
    ["not yet valid", { validFrom: 1, validTo: 20 }, "valid only from"],
    ["weak", { weakKey: true }, "too weak"],
  ] as const)("an authority that is %s makes the chain fail", async (kind, shape, words) => {
    const root = await pki.craft(`Root ${kind}`, { isRoot: true, isCa: true, dnsNames: [], ...shape });
    const key = await crypto.subtle.importKey(
      "pkcs8",
      x509.PemConverter.decodeFirst(root.keyPem),
      algorithmOf(kind),
      false,
      ["sign"],
    );
    const leaf = await pki.craft(`under-${kind}`, {
      signer: { certificate: new x509.X509Certificate(root.certPem), key },
    });
    expect(findChain(stored(leaf), [], [stored(root)], Date.now())).toMatchObject({
      ok: false,
      detail: expect.stringContaining(words),
    });
  });

  test("certificates that issue each other do not make it run for ever", async () => {
    const leaf = stored(pki.agent);
    const copies = Array.from({ length: 20 }, () => stored(pki.ca));
    expect(findChain(leaf, copies, [stored(pki.otherCa)], Date.now()).ok).toBe(false);
    expect(findChain(leaf, [stored(pki.ca)], [stored(pki.otherCa)], Date.now())).toMatchObject({
      ok: false,
      detail: "CN=Test CA was issued by CN=Test CA, which is not in the CA file",
    });
  });
});

test("a bundle of anchors is enough for a leaf of any of them", () => {
  const anchors = [stored(pki.otherCa), stored(pki.ca)];
  for (const leaf of [pki.agent, pki.badClients.wrongCa]) {
    expect(findChain(stored(leaf), [], anchors, Date.now()).ok).toBe(true);
  }
  expect(readCertificates(pki.ca.certFile)).toHaveLength(1);
});

function algorithmOf(kind: string) {
  return kind === "weak" ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } : { name: "ECDSA", namedCurve: "P-256" };
}
