// Reads a DER certificate: names, purposes, key and dates. The bytes may be anything; nothing here checks a signature.
import forge from "node-forge";
import { toHex } from "../wire/bytes.ts";
import { DerError, DerReader, readBits, readBoolean, readInteger, readOid, readTime, TAG } from "./der.ts";
import { commonNameOf, formatName, readName } from "./distinguished-name.ts";
import { formatIpBytes } from "./ip-name.ts";

export interface Leaf {
  /** First CN of the subject; absent when it is empty or not text, or holds control characters. */
  readonly commonName?: string;
  /** dNSName entries of the first subjectAltName extension, as written. Those that are not printable ASCII are left out. */
  readonly dnsNames: readonly string[];
  /** Canonical text. */
  readonly ipAddresses: readonly string[];
  readonly isCa: boolean;
  readonly pathLength?: number;
  /** OIDs; absent without the extension. */
  readonly extendedKeyUsages?: readonly string[];
  readonly keyUsage?: readonly KeyUsage[];
  readonly key: PublicKeyFacts;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Lower-case hex of the number's bytes. */
  readonly serial: string;
  /** Hex, over the whole SubjectPublicKeyInfo. */
  readonly spkiSha256: string;
  /** For people: "CN=relay, O=Example", escaped as in RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
}

/** `other` is every algorithm and curve that we do not know, with 0 bits. */
export interface PublicKeyFacts {
  readonly kind: "ec" | "rsa" | "ed25519" | "other";
  readonly bits: number;
}

export type KeyUsage = (typeof KEY_USAGES)[number];

/** undefined for everything that is not one strict DER certificate of a reasonable size. */
export function parseLeaf(der: Uint8Array): Leaf | undefined {
  if (der.length > MAX_CERTIFICATE) return undefined;
  try {
    return readCertificate(new DerReader(der));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readCertificate(outer: DerReader): Leaf {
  const certificate = outer.enter();
  outer.end();
  const fields = certificate.enter();
  certificate.enter();
  readBits(certificate.take(TAG.bitString));
  certificate.end();
  fields.optional(VERSION);
  const serial = toHex(readInteger(fields.take(TAG.integer)));
  fields.enter();
  const issuer = readName(fields.enter());
  const validity = fields.enter();
  const [notBefore, notAfter] = [readTime(validity.next()), readTime(validity.next())];
  validity.end();
  const subject = readName(fields.enter());
  const spki = fields.peekEncoded();
  const key = readKey(fields.enter());
  fields.optional(ISSUER_UNIQUE_ID);
  fields.optional(SUBJECT_UNIQUE_ID);
  const extensions = readExtensions(fields.optional(EXTENSIONS));
  fields.end();
  const commonName = commonNameOf(subject);
  return {
    ...(commonName === undefined ? {} : { commonName }),
    ...extensions,
    key,
    notBefore,
    notAfter,
    serial,
    spkiSha256: forge.md.sha256.create().update(binary(spki)).digest().toHex(),
    subject: formatName(subject),
    issuer: formatName(issuer),
  };
}

type Extensions = Pick<Leaf, "dnsNames" | "ipAddresses" | "isCa" | "pathLength" | "extendedKeyUsages" | "keyUsage">;

/** Of repeated extensions only subjectAltName is borne, and then the first counts. */
function readExtensions(content: Uint8Array | undefined): Extensions {
  const values = new Map<string, DerReader>();
  const wrapper = new DerReader(content ?? EMPTY_LIST);
  const list = wrapper.enter();
  wrapper.end();
  while (!list.done) {
    const extension = list.enter();
    const id = readOid(extension.take(TAG.oid));
    const critical = extension.optional(TAG.boolean);
    if (critical !== undefined && !readBoolean(critical)) throw new DerError("a default value is written out");
    const value = new DerReader(extension.take(TAG.octetString));
    extension.end();
    if (values.has(id) && id !== SUBJECT_ALT_NAME) throw new DerError("an extension occurs twice");
    if (!values.has(id)) values.set(id, value);
  }
  const usage = values.get(KEY_USAGE);
  const purposes = values.get(EXTENDED_KEY_USAGE);
  return {
    ...readAltNames(values.get(SUBJECT_ALT_NAME)),
    ...readBasicConstraints(values.get(BASIC_CONSTRAINTS)),
    ...(usage === undefined ? {} : { keyUsage: readKeyUsage(usage) }),
    ...(purposes === undefined
      ? {}
      : { extendedKeyUsages: only(purposes).each((purpose) => readOid(purpose.take(TAG.oid))) }),
  };
}

function readAltNames(value: DerReader | undefined): Pick<Leaf, "dnsNames" | "ipAddresses"> {
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  for (const { tag, content } of value === undefined ? [] : only(value).each((names) => names.next())) {
    if (tag === DNS_NAME && content.every((byte) => byte >= 0x20 && byte <= 0x7e)) dnsNames.push(binary(content));
    const ip = tag === IP_ADDRESS ? formatIpBytes(content) : undefined;
    if (ip !== undefined) ipAddresses.push(ip);
  }
  return { dnsNames, ipAddresses };
}

function readBasicConstraints(value: DerReader | undefined): Pick<Leaf, "isCa" | "pathLength"> {
  if (value === undefined) return { isCa: false };
  const parts = only(value);
  const ca = parts.optional(TAG.boolean);
  const isCa = ca !== undefined && readBoolean(ca);
  const length = parts.optional(TAG.integer);
  parts.end();
  if (length === undefined) return { isCa };
  const first = readInteger(length)[0] ?? 0;
  if (first > 0x7f) throw new DerError("a negative path length");
  return { isCa, pathLength: length.length === 1 ? first : Number.MAX_SAFE_INTEGER };
}

function readKeyUsage(value: DerReader): KeyUsage[] {
  const { bytes, length } = readBits(value.take(TAG.bitString));
  value.end();
  return KEY_USAGES.filter((_, bit) => bit < length && (((bytes[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0);
}

function readKey(spki: DerReader): PublicKeyFacts {
  const algorithm = spki.enter();
  const key = readBits(spki.take(TAG.bitString));
  spki.end();
  const id = readOid(algorithm.take(TAG.oid));
  if (id === EC_KEY && algorithm.tag === TAG.oid) {
    const bits = CURVE_BITS[readOid(algorithm.take(TAG.oid))];
    return bits === undefined ? UNKNOWN_KEY : { kind: "ec", bits };
  }
  if (id === RSA_KEY) {
    const modulus = readInteger(only(new DerReader(key.bytes)).take(TAG.integer));
    // A first byte of zero only keeps the number positive; clz32 counts it like any other.
    return { kind: "rsa", bits: modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24 };
  }
  return id === ED25519_KEY ? { kind: "ed25519", bits: 256 } : UNKNOWN_KEY;
}

/** The one value that an extension consists of. */
function only(value: DerReader): DerReader {
  const inner = value.enter();
  value.end();
  return inner;
}

/** One character per byte. */
function binary(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

const MAX_CERTIFICATE = 65_536;
const EMPTY_LIST = Uint8Array.of(TAG.sequence, 0);
const [VERSION, ISSUER_UNIQUE_ID, SUBJECT_UNIQUE_ID, EXTENSIONS] = [0xa0, 0x81, 0x82, 0xa3];
const [DNS_NAME, IP_ADDRESS] = [0x82, 0x87];
const [KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE] = [
  "2.5.29.15",
  "2.5.29.17",
  "2.5.29.19",
  "2.5.29.37",
];
const [EC_KEY, RSA_KEY, ED25519_KEY] = ["1.2.840.10045.2.1", "1.2.840.113549.1.1.1", "1.3.101.112"];
const CURVE_BITS: Readonly<Record<string, number>> = {
  "1.2.840.10045.3.1.7": 256,
  "1.3.132.0.33": 224,
  "1.3.132.0.34": 384,
  "1.3.132.0.35": 521,
};
const UNKNOWN_KEY: PublicKeyFacts = { kind: "other", bits: 0 };
const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
