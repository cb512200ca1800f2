// A key with its certificates as PKCS#12 (RFC 7292), which desktops and browsers import:
//
//   PFX { version 3, authSafe: data { certificates: data, key: data { shrouded key bag } }, macData }
//
// The key is encrypted with AES-256 (PBES2); certificates are public. The checksum is HMAC-SHA-1, for older macOS
// reads no other.
import { createPrivateKey } from "node:crypto";
import forge from "node-forge";
import { parsePem } from "./pem.ts";

export interface Pkcs12Contents {
  /** Shown by whoever imports it. */
  readonly name: string;
  readonly keyPem: string;
  /** The certificate of the key first. */
  readonly certificatesPem: string;
}

export function encodePkcs12({ name, keyPem, certificatesPem }: Pkcs12Contents, password: string): Uint8Array {
  const attributes = set([attribute("friendlyName", bmpString(name)), attribute("localKeyId", octets(LOCAL_KEY_ID))]);
  const certificates = (parsePem(certificatesPem) ?? []).map(({ der }, index) =>
    bag("certBag", [oid("x509Certificate"), explicit(octets(binary(der)))], index === 0 ? [attributes] : []),
  );
  const key = createPrivateKey(keyPem).export({ type: "pkcs8", format: "der" });
  // The password is UTF-8 here, and two bytes per character in the checksum: each after its own specification.
  const utf8 = forge.util.encodeUtf8(password);
  const shrouded = forge.pki.encryptPrivateKeyInfo(forge.asn1.fromDer(binary(key)), utf8, ENCRYPTION);
  const keyBag = sequence([oid("pkcs8ShroudedKeyBag"), explicit(shrouded), attributes]);
  const safe = encoded(sequence([content(sequence(certificates)), content(sequence([keyBag]))]));
  const pfx = sequence([integer(3), sequence([oid("data"), explicit(octets(safe))]), macOf(safe, password)]);
  return Buffer.from(encoded(pfx), "latin1");
}

type Node = forge.asn1.Asn1;

/** A SafeContents as unencrypted data. */
function content(safeContents: Node): Node {
  return sequence([oid("data"), explicit(octets(encoded(safeContents)))]);
}

function bag(type: string, value: readonly Node[], attributes: readonly Node[]): Node {
  return sequence([oid(type), explicit(sequence(value)), ...attributes]);
}

function attribute(type: string, value: Node): Node {
  return sequence([oid(type), set([value])]);
}

function macOf(safe: string, password: string): Node {
  const salt = forge.random.getBytesSync(SALT_BYTES);
  const generateKey = (forge.pkcs12 as unknown as { readonly generateKey: GenerateKey }).generateKey;
  const key = generateKey(password, forge.util.createBuffer(salt), MAC_KEY, ITERATIONS, SHA1_BYTES);
  const mac = forge.hmac.create();
  mac.start("sha1", key.getBytes());
  mac.update(safe);
  const algorithm = sequence([oid("sha1"), primitive(forge.asn1.Type.NULL, "")]);
  return sequence([sequence([algorithm, octets(mac.getMac().getBytes())]), octets(salt), integer(ITERATIONS)]);
}

type GenerateKey = (
  password: string,
  salt: forge.util.ByteStringBuffer,
  id: number,
  iterations: number,
  length: number,
) => forge.util.ByteStringBuffer;

function sequence(parts: readonly Node[]): Node {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.SEQUENCE, true, [...parts]);
}

function set(parts: readonly Node[]): Node {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.SET, true, [...parts]);
}

function explicit(inner: Node): Node {
  return forge.asn1.create(forge.asn1.Class.CONTEXT_SPECIFIC, 0, true, [inner]);
}

function oid(name: string): Node {
  const id = forge.pki.oids[name];
  if (id === undefined) throw new Error(`no object identifier is called ${name}`);
  return primitive(forge.asn1.Type.OID, forge.asn1.oidToDer(id).getBytes());
}

function octets(bytes: string): Node {
  return primitive(forge.asn1.Type.OCTETSTRING, bytes);
}

function integer(value: number): Node {
  return primitive(forge.asn1.Type.INTEGER, forge.asn1.integerToDer(value).getBytes());
}

function bmpString(text: string): Node {
  return primitive(forge.asn1.Type.BMPSTRING, text);
}

function primitive(type: forge.asn1.Type, bytes: string): Node {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, type, false, bytes);
}

function encoded(node: Node): string {
  return forge.asn1.toDer(node).getBytes();
}

/** One character per byte, as the library wants it. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

const LOCAL_KEY_ID = "\x01";
const SALT_BYTES = 16;
const SHA1_BYTES = 20;
const MAC_KEY = 3;
/** The library encodes counts below 65,536 only. */
const ITERATIONS = 10_000;
const ENCRYPTION = { algorithm: "aes256", count: 50_000, saltSize: SALT_BYTES, prfAlgorithm: "sha256" } as const;
