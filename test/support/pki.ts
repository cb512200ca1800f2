// A small PKI for tests, made at run time in a temporary directory: good certificates of every role and one of every
// kind that must be refused. One per process. The good ones come from src/pki/authority.ts; the bad ones cannot.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Extension } from "@peculiar/x509";
import { parseGrant } from "../../src/identity/grant.ts";
import { PURPOSE_OIDS } from "../../src/identity/leaf-policy.ts";
import {
  type Authority,
  type Issued,
  issueClient,
  issueServer,
  makeAuthority,
  openAuthority,
} from "../../src/pki/authority.ts";
import type { KeyType } from "../../src/pki/key-type.ts";
import { x509 } from "../../src/pki/x509-library.ts";

export interface TestCredential {
  readonly certFile: string;
  readonly keyFile: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly der: Uint8Array;
}

export interface TestPki {
  readonly dir: string;
  /** Signed everything here except what its name says otherwise of. */
  readonly ca: TestCredential;
  readonly otherCa: TestCredential;
  readonly authority: Authority;
  /** For `ztna-server`, `localhost`, `relay.test`, 127.0.0.1 and ::1. */
  readonly server: TestCredential;
  readonly p2pServer: TestCredential;
  /** agent.web.ztna */
  readonly agent: TestCredential;
  /** connector.web.ztna */
  readonly connector: TestCredential;
  /** agent.*.ztna */
  readonly agentForAll: TestCredential;
  /** connector.*.ztna */
  readonly connectorForAll: TestCredential;
  /** agent.web.ztna, agent.db.ztna, connector.db.ztna */
  readonly severalGrants: TestCredential;
  readonly rsaAgent: TestCredential;
  readonly ed25519Agent: TestCredential;
  /** Clients that must be refused or have no rights. Their names would grant agent.web where they have any. */
  readonly badClients: Readonly<Record<BadClient, TestCredential>>;
  readonly badServers: Readonly<Record<BadServer, TestCredential>>;
  /** A client certificate with these names, from our CA. */
  client(name: string, ...dnsNames: string[]): Promise<TestCredential>;
  /** A leaf of any shape. */
  craft(name: string, shape: LeafShape): Promise<TestCredential>;
}

export type BadClient =
  | "wrongCa"
  | "noZtnaName"
  | "noCommonName"
  | "expired"
  | "notYetValid"
  | "caAsLeaf"
  | "weakRsa"
  | "wrongPurpose"
  | "noPurpose";

export type BadServer =
  | "wrongCa"
  | "wrongName"
  | "expired"
  | "notYetValid"
  | "caAsLeaf"
  | "weakRsa"
  | "wrongPurpose"
  | "noPurpose";

/** What a leaf is made of; everything left out is as in a good client certificate. */
export interface LeafShape {
  readonly commonName?: string | undefined;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  /** OIDs; undefined leaves the extension out. */
  readonly extendedKeyUsages?: readonly string[] | undefined;
  readonly isCa?: boolean;
  /** Key usage of a CA; follows isCa unless given. */
  readonly maySignCertificates?: boolean;
  /** Days from now. */
  readonly validFrom?: number;
  readonly validTo?: number;
  readonly weakKey?: boolean;
  readonly signer?: Authority;
  /** Its own issuer, whatever the signer. */
  readonly isRoot?: boolean;
  /** Further extensions, or replacements for the subjectAltName when dnsNames is empty. */
  readonly extensions?: readonly Extension[];
}

/** Days relative to now. */
export function validity(fromDays: number, toDays: number): { notBefore: Date; notAfter: Date } {
  const date = (days: number) => new Date(Date.now() + days * DAY_MS);
  return { notBefore: date(fromDays), notAfter: date(toDays) };
}

export function testPki(): Promise<TestPki> {
  cached ??= makePki();
  return cached;
}

async function makePki(): Promise<TestPki> {
  const dir = mkdtempSync(join(tmpdir(), "ztna-pki-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  const save = (name: string, issued: Issued): TestCredential => {
    const certFile = join(dir, `${name}.crt`);
    const keyFile = join(dir, `${name}.key`);
    writeFileSync(certFile, issued.certificatePem);
    writeFileSync(keyFile, issued.keyPem, { mode: 0o600 });
    const der = new Uint8Array(x509.PemConverter.decodeFirst(issued.certificatePem));
    return { certFile, keyFile, certPem: issued.certificatePem, keyPem: issued.keyPem, der };
  };
  const long = { ...validity(-30, 3650), keyType: "ecdsa-p256" } as const;
  const ca = save("ca", await makeAuthority({ name: "Test CA", ...long }));
  const otherCa = save("other-ca", await makeAuthority({ name: "Other CA", ...long }));
  const authority = await openAuthority(ca.certPem, ca.keyPem);
  const other = await openAuthority(otherCa.certPem, otherCa.keyPem);

  const year = validity(-1, 365);
  const client = async (name: string, keyType: KeyType, ...dnsNames: string[]) => {
    const grants = dnsNames.map((dnsName) => parseGrant(dnsName) ?? fail(`no grant: ${dnsName}`));
    return save(name, await issueClient(authority, { name, keyType, grants, ...year }));
  };
  const server = async (name: string, kind: "relay" | "p2p") =>
    save(name, await issueServer(authority, { name, kind, ...SERVER_NAMES, keyType: "ecdsa-p256", ...year }));
  const craft = async (name: string, shape: LeafShape) =>
    save(name, await craftLeaf({ signer: authority, commonName: name, ...shape }));
  const craftAll = async <Kind extends string>(prefix: string, shapes: Readonly<Record<Kind, LeafShape>>) => {
    const made = Object.entries<LeafShape>(shapes).map(async ([kind, shape]) => [
      kind,
      await craft(`${prefix}-${kind}`, shape),
    ]);
    return Object.fromEntries(await Promise.all(made)) as Record<Kind, TestCredential>;
  };
  return {
    dir,
    ca,
    otherCa,
    authority,
    server: await server("server", "relay"),
    p2pServer: await server("p2p-server", "p2p"),
    agent: await client("agent", "ecdsa-p256", "agent.web.ztna"),
    connector: await client("connector", "ecdsa-p256", "connector.web.ztna"),
    agentForAll: await client("agent-for-all", "ecdsa-p256", "agent.*.ztna"),
    connectorForAll: await client("connector-for-all", "ecdsa-p256", "connector.*.ztna"),
    severalGrants: await client("several", "ecdsa-p256", "agent.web.ztna", "agent.db.ztna", "connector.db.ztna"),
    rsaAgent: await client("rsa-agent", "rsa-2048", "agent.web.ztna"),
    ed25519Agent: await client("ed25519-agent", "ed25519", "agent.web.ztna"),
    badClients: await craftAll("client", badClientShapes(other)),
    badServers: await craftAll("server", badServerShapes(other)),
    client: (name, ...dnsNames) => client(name, "ecdsa-p256", ...dnsNames),
    craft,
  };
}

function badClientShapes(other: Authority): Readonly<Record<BadClient, LeafShape>> {
  return {
    wrongCa: { signer: other },
    noZtnaName: { dnsNames: ["laptop.example.org"] },
    noCommonName: { commonName: undefined },
    expired: { validFrom: -20, validTo: -1 },
    notYetValid: { validFrom: 1, validTo: 20 },
    caAsLeaf: { isCa: true },
    weakRsa: { weakKey: true },
    wrongPurpose: { extendedKeyUsages: [PURPOSE_OIDS.server] },
    noPurpose: { extendedKeyUsages: undefined },
  };
}

function badServerShapes(other: Authority): Readonly<Record<BadServer, LeafShape>> {
  const good: LeafShape = {
    dnsNames: ["ztna-server", ...SERVER_NAMES.hosts],
    addresses: SERVER_NAMES.addresses,
    extendedKeyUsages: [PURPOSE_OIDS.server],
  };
  return {
    wrongCa: { ...good, signer: other },
    wrongName: { ...good, dnsNames: ["elsewhere.example.org"], addresses: [] },
    expired: { ...good, validFrom: -20, validTo: -1 },
    notYetValid: { ...good, validFrom: 1, validTo: 20 },
    caAsLeaf: { ...good, isCa: true },
    weakRsa: { ...good, weakKey: true },
    wrongPurpose: { ...good, extendedKeyUsages: [PURPOSE_OIDS.client] },
    noPurpose: { ...good, extendedKeyUsages: undefined },
  };
}

async function craftLeaf(shape: LeafShape & { readonly signer: Authority }): Promise<Issued> {
  const { dnsNames = ["agent.web.ztna"], addresses = [], isCa = false, signer, extensions = [] } = shape;
  const usages = "extendedKeyUsages" in shape ? shape.extendedKeyUsages : [PURPOSE_OIDS.client];
  const keys = (await crypto.subtle.generateKey(shape.weakKey ? WEAK_RSA : P256, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const names = [
    ...dnsNames.map((value) => ({ type: "dns", value }) as const),
    ...addresses.map((value) => ({ type: "ip", value }) as const),
  ];
  const subject = new x509.Name(
    shape.commonName === undefined ? [{ O: ["Nameless"] }] : [{ CN: [{ utf8String: shape.commonName }] }],
  );
  const usage = (shape.maySignCertificates ?? isCa) ? x509.KeyUsageFlags.keyCertSign : 0;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8)))
      .toString("hex")
      .replace(/^./, "4"),
    ...validity(shape.validFrom ?? -1, shape.validTo ?? 365),
    subject,
    issuer: shape.isRoot ? subject : signer.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: shape.isRoot ? keys.privateKey : signer.key,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new x509.BasicConstraintsExtension(isCa, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | usage, true),
      ...(usages === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...usages])]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ...extensions,
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificatePem: certificate.toString("pem"), keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}

function fail(message: string): never {
  throw new Error(message);
}

let cached: Promise<TestPki> | undefined;
const DAY_MS = 86_400_000;
const SERVER_NAMES = { hosts: ["localhost", "relay.test"], addresses: ["127.0.0.1", "::1"] };
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const WEAK_RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 1024,
  publicExponent: Uint8Array.of(1, 0, 1),
};
