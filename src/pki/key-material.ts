// Certificates and private keys out of PEM files, with one sentence for everything that can be wrong with such a file.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type Leaf, parseLeaf } from "../identity/certificate.ts";
import { CredentialFault } from "./credential-fault.ts";
import { encodePem, type PemBlock, parsePem } from "./pem.ts";
import { readStored } from "./store.ts";

export interface StoredCertificate {
  readonly der: Uint8Array;
  readonly facts: Leaf;
}

/** At least one certificate, in the order of the file. */
export function readCertificates(file: string): readonly StoredCertificate[] {
  return certificatesIn(readStored(file).text, file);
}

/** Of a text that came from elsewhere; `file` names it in messages. */
export function certificatesIn(text: string, file: string): readonly StoredCertificate[] {
  const blocks = blocksIn(text, file);
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (certificates.length === 0) {
    const found =
      blocks.length === 0
        ? "no PEM block"
        : `no certificate but ${blocks.map(({ label }) => label.toLowerCase()).join(", ")}`;
    throw new CredentialFault(
      blocks.length === 0 ? "not-pem" : "no-certificate",
      file,
      `holds ${found}; name a PEM certificate`,
    );
  }
  return certificates.map(({ der }, index) => {
    const certificate = certificateOf(der);
    if (certificate !== undefined) return certificate;
    throw new CredentialFault("bad-certificate", file, `holds ${whatIs(der)} (block ${index + 1}); issue it again`);
  });
}

/** A key that others can read is refused unless `allowOpenKeys`; one that the group can read is a warning. */
export function readKey(
  file: string,
  options: { readonly allowOpenKeys: boolean },
): { readonly key: KeyObject; readonly warnings: readonly string[] } {
  const { text, mode = 0 } = readStored(file);
  const blocks = blocksIn(text, file);
  const keys = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  const [block] = keys;
  if (block === undefined) {
    throw new CredentialFault(
      blocks.length === 0 ? "not-pem" : "no-key",
      file,
      "holds no private key; name a PEM private key",
    );
  }
  if (keys.length > 1) throw new CredentialFault("bad-key", file, "holds several private keys; leave one in it");
  if (block.isEncrypted || block.label === "ENCRYPTED PRIVATE KEY") {
    throw new CredentialFault("encrypted-key", file, "is encrypted; remove the passphrase with openssl pkey");
  }
  if ((mode & OTHERS) !== 0 && !options.allowOpenKeys) {
    throw new CredentialFault("open-key", file, `is open to everybody; chmod 600 ${file}, or pass --allow-open-keys`);
  }
  const warnings =
    (mode & (GROUP | OTHERS)) !== 0 ? [`${file} is open to others than its owner; chmod 600 ${file}`] : [];
  return { key: parseKey(file, block), warnings };
}

export function matches(certificate: StoredCertificate, key: KeyObject): boolean {
  return new X509Certificate(certificate.der).checkPrivateKey(key);
}

function blocksIn(text: string, file: string): readonly PemBlock[] {
  const blocks = parsePem(text);
  if (blocks === undefined) throw new CredentialFault("not-pem", file, "holds a PEM block that is cut off or garbled");
  if (blocks.length === 0 && text.startsWith("\x30\x82")) {
    throw new CredentialFault(
      "not-pem",
      file,
      "is DER, not PEM; convert it with openssl x509 -inform der or openssl pkey -inform der",
    );
  }
  return blocks;
}

function parseKey(file: string, block: PemBlock): KeyObject {
  const key = privateKeyOf(block);
  if (key !== undefined) return key;
  throw new CredentialFault("bad-key", file, "holds something that is not a private key; make it again");
}

/** What something is that is no certificate to us. */
export function whatIs(der: Uint8Array): string {
  if (parseLeaf(der) === undefined) return "something that is not a certificate";
  return "a certificate that the TLS library does not take, as it takes no Ed448 and no secp256k1";
}

/** undefined for everything that is not a certificate to us and to the TLS library. */
export function certificateOf(der: Uint8Array): StoredCertificate | undefined {
  const facts = parseLeaf(der);
  return facts !== undefined && isAcceptable(der) ? { der, facts } : undefined;
}

/** undefined for everything that is not an unencrypted private key. */
export function privateKeyOf({ label, der }: PemBlock): KeyObject | undefined {
  const type = Object.hasOwn(KEY_FORMATS, label) ? KEY_FORMATS[label] : undefined;
  try {
    return type === undefined ? undefined : createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch {
    return undefined;
  }
}

/** Whether the TLS library takes it too. */
function isAcceptable(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).publicKey !== undefined;
  } catch {
    return false;
  }
}

export function encodeCertificates(certificates: readonly StoredCertificate[]): Uint8Array {
  return Buffer.from(certificates.map(({ der }) => encodePem("CERTIFICATE", der)).join(""));
}

const OTHERS = 0o007;
const GROUP = 0o070;
const KEY_FORMATS: Readonly<Record<string, "pkcs8" | "sec1" | "pkcs1">> = {
  "PRIVATE KEY": "pkcs8",
  "EC PRIVATE KEY": "sec1",
  "RSA PRIVATE KEY": "pkcs1",
};
