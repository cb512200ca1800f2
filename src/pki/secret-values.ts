// Reads one value of a secret as certificates or as a private key. Whatever is wrong with it is named, and nothing of
// its content is repeated.
import type { KeyObject } from "node:crypto";
import { DerReader, readOid, TAG } from "../identity/der.ts";
import type { FindingId } from "./finding-catalogue.ts";
import { certificateOf, privateKeyOf, type StoredCertificate, whatIs } from "./key-material.ts";
import { type PemBlock, parsePem } from "./pem.ts";
import { holdsPlaceholder } from "./placeholders.ts";

export interface ValueFault {
  readonly id: FindingId;
  readonly detail: string;
  /** Within the value, from 1. */
  readonly line: number;
}

export interface CertificatesRead {
  readonly certificates: readonly StoredCertificate[];
  readonly faults: readonly ValueFault[];
}

export interface KeyRead {
  readonly key?: KeyObject | undefined;
  readonly faults: readonly ValueFault[];
}

/** The same bytes are read once: several checks look at them. */
export function readCertificateValue(bytes: Uint8Array): CertificatesRead {
  return remembered(CERTIFICATES, bytes, readCertificates);
}

export function readKeyValue(bytes: Uint8Array): KeyRead {
  return remembered(KEYS, bytes, readKey);
}

function remembered<T>(memory: WeakMap<Uint8Array, T>, bytes: Uint8Array, read: (bytes: Uint8Array) => T): T {
  const known = memory.get(bytes);
  if (known !== undefined) return known;
  const made = read(bytes);
  memory.set(bytes, made);
  return made;
}

function readCertificates(bytes: Uint8Array): CertificatesRead {
  const { blocks, fault } = readPem(bytes);
  if (fault !== undefined) return { certificates: [], faults: [fault] };
  const keys = blocks.filter(isKeyBlock);
  const found = blocks.filter(({ label }) => label === "CERTIFICATE");
  const [key] = keys;
  if (found.length === 0) {
    const detail = key === undefined ? `holds no certificate but ${labelsOf(blocks)}` : "holds a private key instead";
    return { certificates: [], faults: [{ id: key === undefined ? "not-pem" : "swapped-halves", detail, line: 1 }] };
  }
  const faults: ValueFault[] = keys.map(({ line }) => ({
    id: "key-in-certificate",
    detail: "holds a private key beside the certificate",
    line,
  }));
  if (found.length > MAX_CERTIFICATES) {
    const detail = `holds ${found.length} certificates`;
    return { certificates: [], faults: [...faults, { id: "too-large", detail, line: 1 }] };
  }
  const certificates: StoredCertificate[] = [];
  for (const [index, { der, line }] of found.entries()) {
    const certificate = certificateOf(der);
    if (certificate !== undefined) certificates.push(certificate);
    else faults.push({ ...garbage(der, "bad-certificate"), line, detail: `block ${index + 1} is ${whatIs(der)}` });
  }
  return { certificates, faults };
}

function readKey(bytes: Uint8Array): KeyRead {
  const { blocks, fault } = readPem(bytes);
  if (fault !== undefined) return { faults: [fault] };
  const [block, second] = blocks.filter(isKeyBlock);
  if (block === undefined) {
    const isCertificate = blocks.some(({ label }) => label === "CERTIFICATE");
    const detail = isCertificate ? "holds a certificate instead" : `holds no private key but ${labelsOf(blocks)}`;
    return { faults: [{ id: isCertificate ? "swapped-halves" : "not-pem", detail, line: 1 }] };
  }
  const { line } = block;
  if (second !== undefined) {
    return { faults: [{ id: "several-keys", detail: "holds several private keys", line: second.line }] };
  }
  if (block.isEncrypted || block.label === "ENCRYPTED PRIVATE KEY") {
    return { faults: [{ id: "encrypted-key", detail: "is encrypted", line }] };
  }
  const key = privateKeyOf(block);
  if (key !== undefined) return { key, faults: [] };
  return { faults: [{ ...garbage(block.der, "bad-key"), detail: "is not a private key", line }] };
}

/** Whether a text is worth reading as PEM at all. */
export function looksLikePem(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(BEGIN);
}

/** MD2, MD5 or SHA-1: signatures that others can forge. */
export function isWeaklySigned({ der }: StoredCertificate): boolean {
  const certificate = new DerReader(der).enter();
  certificate.enter();
  return WEAK_SIGNATURES.has(readOid(certificate.enter().take(TAG.oid)));
}

type PlacedBlock = PemBlock & { readonly line: number };

function readPem(bytes: Uint8Array): { readonly blocks: readonly PlacedBlock[]; readonly fault?: ValueFault } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const at = (id: FindingId, detail: string, line = 1) => ({ blocks: [], fault: { id, detail, line } });
  if (text.trim() === "") return at("empty-value", "is empty");
  if (/^\x30[\x80-\x84]/.test(text)) return at("der-not-pem", "is DER, not PEM");
  if (text.startsWith("\xef\xbb\xbf")) return at("not-pem", "begins with a byte order mark");
  const starts = [...text.matchAll(/-----BEGIN /g)].map(({ index }) => index);
  const blocks = parsePem(text);
  if (blocks === undefined || blocks.length === 0) {
    if (holdsPlaceholder(text)) return at("placeholder", "is a placeholder");
    if (text.startsWith(TWICE)) return at("not-pem", "is encoded in base64 twice");
    return at("not-pem", blocks === undefined ? "holds a PEM block that is cut off or garbled" : "holds no PEM block");
  }
  const indented = starts.find((start) => start > 0 && text[start - 1] !== "\n");
  if (indented !== undefined) {
    return at("not-pem", "has a BEGIN line that does not begin its line", lineAt(text, indented));
  }
  let line = 1;
  let reached = 0;
  return {
    blocks: blocks.map((block, index) => {
      const start = starts[index] ?? 0;
      line += lineAt(text.slice(reached, start), start - reached) - 1;
      reached = start;
      return { ...block, line };
    }),
  };
}

function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** PEM around a placeholder decodes to bytes too; they spell it when it is base64 of a text. Other bytes spell anything. */
function garbage(der: Uint8Array, id: FindingId): { readonly id: FindingId } {
  const isText = der.every((byte) => byte < 0x7f && (byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09));
  return isText && holdsPlaceholder(Buffer.from(der).toString("latin1")) ? { id: "placeholder" } : { id };
}

function isKeyBlock({ label }: PemBlock): boolean {
  return label.endsWith("PRIVATE KEY");
}

/** Only the labels that are known: any other text of the file stays in the file. */
function labelsOf(blocks: readonly PemBlock[]): string {
  const known = new Set(blocks.map(({ label }) => (LABELS.has(label) ? label.toLowerCase() : "something else")));
  return [...known].join(", ");
}

const CERTIFICATES = new WeakMap<Uint8Array, CertificatesRead>();
const KEYS = new WeakMap<Uint8Array, KeyRead>();
const BEGIN = "-----BEGIN ";
/** Base64 of "-----BEGIN". */
const TWICE = "LS0tLS1CRUdJTi";
const MAX_CERTIFICATES = 32;
const LABELS: ReadonlySet<string> = new Set([
  "PUBLIC KEY",
  "CERTIFICATE REQUEST",
  "TRUSTED CERTIFICATE",
  "X509 CRL",
  "EC PARAMETERS",
  "DH PARAMETERS",
]);
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  ...["1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5"],
  ...["1.2.840.10045.4.1", "1.2.840.10040.4.3", "1.3.14.3.2.29"],
]);
