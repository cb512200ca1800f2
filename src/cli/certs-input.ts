// Certificates out of a file – PEM, DER or PKCS#12 – or, in PEM, of standard input as "-".
import { CredentialFault } from "../pki/credential-fault.ts";
import { certificateOf, certificatesIn, type StoredCertificate } from "../pki/key-material.ts";
import { readStored } from "../pki/store.ts";
import type { Terminal } from "./terminal.ts";

/** At least one. Throws CredentialFault. The password, for PKCS#12, is the first line of its file. */
export async function certificatesFrom(
  file: string,
  passwordFile: string | undefined,
  terminal: Terminal,
): Promise<readonly StoredCertificate[]> {
  if (file === "-") {
    const text = await terminal.readInput();
    if (text.length > MAX_INPUT)
      throw new CredentialFault("too-large", SHOWN, "is larger than any file of certificates");
    return certificatesIn(text, SHOWN);
  }
  const { text } = readStored(file);
  const bytes = new Uint8Array(Buffer.from(text, "latin1"));
  const single = bytes[0] === SEQUENCE ? certificateOf(bytes) : undefined;
  if (single !== undefined) return [single];
  const { looksLikePkcs12 } = await import("../pki/pkcs12-reader.ts");
  return looksLikePkcs12(bytes) ? fromPkcs12(file, bytes, passwordFile) : certificatesIn(text, file);
}

async function fromPkcs12(
  file: string,
  bytes: Uint8Array,
  passwordFile: string | undefined,
): Promise<readonly StoredCertificate[]> {
  const { readPkcs12 } = await import("../pki/pkcs12-reader.ts");
  const [password = ""] =
    passwordFile === undefined ? [] : Buffer.from(readStored(passwordFile).text, "latin1").toString().split(/\r?\n/, 1);
  const found = readPkcs12(bytes, password);
  if (found === "wrong-password") {
    throw new CredentialFault("unreadable", file, "does not open with this password; give it with --password-file");
  }
  if (typeof found === "string") {
    throw new CredentialFault("unreadable", file, "is not a PKCS#12 file that can be read; make it again");
  }
  const certificates = found.map(certificateOf).filter((each): each is StoredCertificate => each !== undefined);
  if (certificates.length === 0) throw new CredentialFault("no-certificate", file, "holds no certificate");
  return certificates;
}

const SEQUENCE = 0x30;
const SHOWN = "<stdin>";
const MAX_INPUT = 1024 * 1024;
