// Certificates out of a file, or of standard input as "-".
import { CredentialFault } from "../pki/credential-fault.ts";
import { certificatesIn, readCertificates, type StoredCertificate } from "../pki/key-material.ts";
import type { Terminal } from "./terminal.ts";

/** At least one. Throws CredentialFault. */
export async function certificatesFrom(file: string, terminal: Terminal): Promise<readonly StoredCertificate[]> {
  if (file !== "-") return readCertificates(file);
  const text = await terminal.readInput();
  if (text.length > MAX_INPUT) throw new CredentialFault("too-large", SHOWN, "is larger than any file of certificates");
  return certificatesIn(text, SHOWN);
}

const SHOWN = "<stdin>";
const MAX_INPUT = 1024 * 1024;
