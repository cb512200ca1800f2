// Makes a certificate authority and issues leaves from it. The only user of the heavy X.509 library, so that programs
// which merely use certificates never load it. Whatever reaches a name of a certificate is checked here once more.
import { createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import type { AuthorityKeyIdentifierExtension, JsonGeneralNames, Name, X509Certificate } from "@peculiar/x509";
import { formatGrant, type Grant, isServiceName } from "../identity/grant.ts";
import { canonicalIp } from "../identity/ip-name.ts";
import { PURPOSE_OIDS, type Purpose } from "../identity/leaf-policy.ts";
import { isHostPattern } from "./host-pattern.ts";
import { KEY_ALGORITHMS, type KeyAlgorithm, type KeyType } from "./key-type.ts";
import { x509 } from "./x509-library.ts";

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface AuthorityRequest extends Validity {
  /** Common name. */
  readonly name: string;
  readonly keyType: KeyType;
}

export interface ServerRequest extends AuthorityRequest {
  /** "relay" leaves also carry `ztna-server`, "p2p" leaves of connectors `ztna-connector`. */
  readonly kind: "relay" | "p2p";
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
}

export interface ClientRequest extends AuthorityRequest {
  readonly grants: readonly Grant[];
}

export interface Issued {
  readonly certificatePem: string;
  /** PKCS#8 */
  readonly keyPem: string;
}

/** An authority that can sign. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: CryptoKey;
}

/** A self-signed root that signs leaves only. */
export async function makeAuthority(request: AuthorityRequest): Promise<Issued> {
  const keys = await makeKeys(request.keyType);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...commonFields(request),
    name: subject(request.name),
    keys,
    signingAlgorithm: KEY_ALGORITHMS[request.keyType].signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return issued(certificate, keys.privateKey);
}

/** The caller has checked that key and certificate match. Throws when the key's algorithm cannot sign certificates here. */
export async function openAuthority(certificatePem: string, keyPem: string): Promise<Authority> {
  const key = createPrivateKey(keyPem);
  const der = key.export({ type: "pkcs8", format: "der" });
  const algorithm = signingAlgorithm(key);
  return {
    certificate: new x509.X509Certificate(certificatePem),
    key: await crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]),
  };
}

export async function issueServer(authority: Authority, request: ServerRequest): Promise<Issued> {
  const own = request.kind === "relay" ? "ztna-server" : "ztna-connector";
  const hosts = [...new Set([own, ...request.hosts.map(checkedHost)])];
  const addresses = [...new Set(request.addresses.map(checkedAddress))];
  return issueLeaf(authority, request, "server", [
    ...hosts.map((value) => ({ type: "dns", value }) as const),
    ...addresses.map((value) => ({ type: "ip", value }) as const),
  ]);
}

export async function issueClient(authority: Authority, request: ClientRequest): Promise<Issued> {
  const names = [...new Set(request.grants.map((grant) => formatGrant(checkedGrant(grant))))];
  if (names.length === 0) throw new Error("a client certificate without a grant has no rights");
  return issueLeaf(
    authority,
    request,
    "client",
    names.map((value) => ({ type: "dns", value }) as const),
  );
}

async function issueLeaf(
  authority: Authority,
  request: AuthorityRequest,
  purpose: Purpose,
  names: JsonGeneralNames,
): Promise<Issued> {
  const keys = await makeKeys(request.keyType);
  const certificate = await x509.X509CertificateGenerator.create({
    ...commonFields(request),
    subject: subject(request.name),
    issuer: authority.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: signatureOf(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([PURPOSE_OIDS[purpose]]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await authorityKeyIdentifier(authority.certificate),
    ],
  });
  return issued(certificate, keys.privateKey);
}

function commonFields({ notBefore, notAfter }: Validity) {
  return { serialNumber: serialNumber(), notBefore, notAfter };
}

/** 128 bits, the first of which is 0 (positive) and the second 1 (so that the length is always the same). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

/** Given as an object, because a plain string would be parsed for escapes and quotes. */
function subject(name: string): Name {
  return new x509.Name([{ CN: [{ utf8String: name }] }]);
}

/** What the issuer calls its key, which need not be the hash that we would make of it. */
export async function authorityKeyIdentifier(issuer: X509Certificate): Promise<AuthorityKeyIdentifierExtension> {
  const named = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  if (named !== null) return new x509.AuthorityKeyIdentifierExtension(named.keyId);
  return x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey);
}

async function makeKeys(keyType: KeyType): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(KEY_ALGORITHMS[keyType].key, true, ["sign", "verify"])) as CryptoKeyPair;
}

async function issued(certificate: X509Certificate, key: CryptoKey): Promise<Issued> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", key);
  return {
    certificatePem: `${certificate.toString("pem").trim()}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY").trim()}\n`,
  };
}

/** How an existing key signs. */
function signingAlgorithm(key: KeyObject): KeyAlgorithm["key"] {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === "rsa") return KEY_ALGORITHMS["rsa-2048"].key;
  if (key.asymmetricKeyType === "ed25519") return KEY_ALGORITHMS.ed25519.key;
  if (curve === "prime256v1") return KEY_ALGORITHMS["ecdsa-p256"].key;
  if (curve === "secp384r1") return KEY_ALGORITHMS["ecdsa-p384"].key;
  throw new Error(`a key of type ${curve ?? key.asymmetricKeyType} cannot sign certificates here`);
}

export function signatureOf(key: CryptoKey): KeyAlgorithm["signing"] {
  const isP384 = (key.algorithm as webcrypto.EcKeyAlgorithm).namedCurve === "P-384";
  return key.algorithm.name === "ECDSA" ? { name: "ECDSA", hash: isP384 ? "SHA-384" : "SHA-256" } : key.algorithm;
}

function checkedHost(host: string): string {
  if (!isHostPattern(host)) throw new Error(`not a host name: ${JSON.stringify(host)}`);
  return host.toLowerCase();
}

function checkedAddress(address: string): string {
  const canonical = canonicalIp(address);
  if (canonical === undefined) throw new Error(`not an IP address: ${JSON.stringify(address)}`);
  return canonical;
}

function checkedGrant(grant: Grant): Grant {
  if (grant.service === "*" || isServiceName(grant.service)) return grant;
  throw new Error(`not a service name: ${JSON.stringify(grant.service)}`);
}
