// What is issued: judged by OpenSSL's strict checks and by our own reading, never by the library that made it.
import { describe, expect, test } from "bun:test";
import { type Leaf, parseLeaf } from "../../../src/identity/certificate.ts";
import { checkLeaf } from "../../../src/identity/leaf-policy.ts";
import {
  type Authority,
  type Issued,
  issueClient,
  issueServer,
  makeAuthority,
  openAuthority,
} from "../../../src/pki/authority.ts";
import type { KeyType } from "../../../src/pki/key-type.ts";
import { parsePem } from "../../../src/pki/pem.ts";
import { testPki, validity } from "../../support/pki.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();
const YEAR = validity(-1, 365);
const CLIENT = { name: "laptop", keyType: "ecdsa-p256", ...YEAR } as const;
const SERVER = { ...CLIENT, name: "relay", kind: "relay", hosts: [], addresses: [] } as const;

function read({ certificatePem }: Issued): Leaf {
  const [block] = parsePem(certificatePem) ?? [];
  return (block && parseLeaf(block.der)) as Leaf;
}

function openssl(ca: string, leaf: string, ...flags: readonly string[]): string {
  using directory = temporaryDirectory();
  const caFile = directory.write("ca.pem", ca);
  const leafFile = directory.write("leaf.pem", leaf);
  const run = Bun.spawnSync(["openssl", "verify", "-x509_strict", "-CAfile", caFile, ...flags, leafFile], {
    stderr: "pipe",
  });
  return (run.stdout.toString() + run.stderr.toString()).replaceAll(leafFile, "leaf").trim();
}

describe("OpenSSL's strict checks", () => {
  const pairs: readonly [KeyType, KeyType][] = [
    ["ecdsa-p256", "ecdsa-p256"],
    ["ecdsa-p256", "rsa-2048"],
    ["ecdsa-p256", "ed25519"],
    ["ecdsa-p384", "ecdsa-p384"],
    ["rsa-3072", "ecdsa-p256"],
    ["ed25519", "ecdsa-p256"],
  ];
  for (const [authorityType, leafType] of pairs) {
    const name = `a ${authorityType} authority and its ${leafType} leaves pass with purpose and name`;
    testUnless(withoutProgram("openssl"))(name, async () => {
      const ca = await makeAuthority({ name: "An Authority", keyType: authorityType, ...YEAR });
      const authority = await openAuthority(ca.certificatePem, ca.keyPem);
      const hosts = ["relay.example.org", "*.example.net"];
      const addresses = ["203.0.113.1", "2001:db8::1"];
      const server = await issueServer(authority, { ...SERVER, keyType: leafType, hosts, addresses });
      for (const expected of ["ztna-server", "relay.example.org", "any.example.net"]) {
        const flags = ["-purpose", "sslserver", "-verify_hostname", expected];
        expect(openssl(ca.certificatePem, server.certificatePem, ...flags)).toBe("leaf: OK");
      }
      const flags = ["-purpose", "sslserver", "-verify_ip", "2001:db8::1"];
      expect(openssl(ca.certificatePem, server.certificatePem, ...flags)).toBe("leaf: OK");
      const grants = [{ role: "agent", service: "web" }] as const;
      const client = await issueClient(authority, { ...CLIENT, keyType: leafType, grants });
      const clientFlags = ["-purpose", "sslclient", "-verify_hostname", "agent.web.ztna"];
      expect(openssl(ca.certificatePem, client.certificatePem, ...clientFlags)).toBe("leaf: OK");
    });
  }

  testUnless(withoutProgram("openssl"))("refuse the other purpose, another name and another authority", async () => {
    const server = await issueServer(pki.authority, SERVER);
    const check = (ca: string, ...flags: readonly string[]) => openssl(ca, server.certificatePem, ...flags);
    expect(check(pki.ca.certPem, "-purpose", "sslclient")).toContain("unsuitable certificate purpose");
    expect(check(pki.ca.certPem, "-verify_hostname", "other.example.org")).toContain("hostname mismatch");
    expect(check(pki.otherCa.certPem)).toContain("unable to get local issuer certificate");
  });
});

test("an authority may sign leaves and nothing else", async () => {
  const leaf = read(await makeAuthority({ name: "Gerät, O=x", keyType: "ecdsa-p256", ...YEAR }));
  expect(leaf).toMatchObject({ isCa: true, pathLength: 0, keyUsage: ["keyCertSign", "cRLSign"] });
  expect(leaf.subject).toBe("CN=Gerät\\, O\\=x");
  expect(leaf.issuer).toBe(leaf.subject);
});

test("a relay's leaf carries ztna-server, a connector's ztna-connector, and each the given names once", async () => {
  const hosts = ["Relay.Example.org", "relay.example.org"];
  const addresses = ["127.0.0.1", "::1", "0:0:0:0:0:0:0:1"];
  const relay = read(await issueServer(pki.authority, { ...SERVER, hosts, addresses }));
  expect(relay.dnsNames).toEqual(["ztna-server", "relay.example.org"]);
  expect(relay.ipAddresses).toEqual(["127.0.0.1", "::1"]);
  const p2p = read(await issueServer(pki.authority, { ...SERVER, kind: "p2p" }));
  expect(p2p.dnsNames).toEqual(["ztna-connector"]);
  for (const leaf of [relay, p2p]) expect(checkLeaf(leaf, "server", Date.now())).toBeUndefined();
});

test("a client's leaf carries its grants and no other names", async () => {
  const grants = [
    { role: "agent", service: "a.b" },
    { role: "connector", service: "*" },
    { role: "agent", service: "a.b" },
  ] as const;
  const leaf = read(await issueClient(pki.authority, { ...CLIENT, grants }));
  expect(leaf.dnsNames).toEqual(["agent.a.b.ztna", "connector.*.ztna"]);
  expect(leaf).toMatchObject({ commonName: "laptop", isCa: false, keyUsage: ["digitalSignature"] });
  expect(checkLeaf(leaf, "client", Date.now())).toBeUndefined();
});

test("a client with 100 grants of the longest names is issued and read", async () => {
  const grants = Array.from({ length: 100 }, (_, i) => ({ role: "agent", service: `${i}`.padEnd(200, "x") }) as const);
  expect(read(await issueClient(pki.authority, { ...CLIENT, grants })).dnsNames).toHaveLength(100);
});

test("serial numbers are 128 bits, positive and never the same", async () => {
  const serials = new Set<string>();
  for (let i = 0; i < 20; i++) serials.add(read(await issueServer(pki.authority, SERVER)).serial);
  expect(serials.size).toBe(20);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
});

test("the dates are those that were asked for", async () => {
  const notBefore = new Date("2026-01-02T03:04:05Z");
  const notAfter = new Date("2051-01-02T03:04:05Z");
  const leaf = read(await issueServer(pki.authority, { ...SERVER, notBefore, notAfter }));
  expect([leaf.notBefore, leaf.notAfter]).toEqual([notBefore.getTime(), notAfter.getTime()]);
});

describe("what must not reach a name is refused by the last that could", () => {
  const hostile = ["a,DNS:agent.*.ztna", "A", "", "-", "a\0", "*x", "a*", "ü", "a b", "x".repeat(201)];
  test.each(hostile)("the service %j", async (service) => {
    const grants = [{ role: "agent", service }] as const;
    expect(issueClient(pki.authority, { ...CLIENT, grants })).rejects.toThrow("not a service name");
  });

  test.each(["", "a b", "a,b", "*", "*.org", "relay.*.org", "127.0.0.1", "agent.web.ztna", "a..b", "é.example.org"])(
    "the host %j",
    async (host) => {
      expect(issueServer(pki.authority, { ...SERVER, hosts: [host] })).rejects.toThrow("not a host name");
    },
  );

  test.each(["", "localhost", "127.0.0.1/8", "1.2.3", "::1%lo"])("the address %j", async (address) => {
    expect(issueServer(pki.authority, { ...SERVER, addresses: [address] })).rejects.toThrow("not an IP address");
  });

  test("a client without any grant", async () => {
    expect(issueClient(pki.authority, { ...CLIENT, grants: [] })).rejects.toThrow("no rights");
  });
});

testUnless(withoutProgram("openssl"))(
  "an authority made by OpenSSL can issue, and what it issues names its key as the authority does",
  async () => {
    using directory = temporaryDirectory();
    const key = `${directory.path}/ca.key`;
    const cert = `${directory.path}/ca.pem`;
    const subject = ["-subj", "/C=DE/O=Example/CN=Made elsewhere", "-days", "10", "-nodes"];
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", key, "-out", cert];
    const keyName = ["-addext", "subjectKeyIdentifier=0102030405", "-addext", "authorityKeyIdentifier=none"];
    const extensions = ["-addext", "keyUsage=critical,keyCertSign", ...keyName];
    Bun.spawnSync(["openssl", "req", "-x509", ...newKey, ...subject, ...extensions], { stderr: "ignore" });
    const ca = await Bun.file(cert).text();
    const authority: Authority = await openAuthority(ca, await Bun.file(key).text());
    const issued = await issueServer(authority, SERVER);
    expect(read(issued).issuer).toBe("C=DE, O=Example, CN=Made elsewhere");
    expect(openssl(ca, issued.certificatePem, "-purpose", "sslserver")).toBe("leaf: OK");
  },
);

test("a key that cannot sign certificates here is refused in words", async () => {
  const { generateKeyPairSync } = await import("node:crypto");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp521r1" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  expect(openAuthority(pki.ca.certPem, pem)).rejects.toThrow("secp521r1");
});
