// Certificates out of a file or of standard input as "-" – PEM, DER or PKCS#12 – or from a running relay.

import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { CredentialFault } from "../pki/credential-fault.ts";
import { certificateOf, certificatesIn, type StoredCertificate } from "../pki/key-material.ts";
import { readStored } from "../pki/store.ts";
import { duration, file as fileKind, type HostPort, hostPort } from "./option-kinds.ts";
import { option, optional } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface CertificateInput {
  /** At least one: the leaf, then what came with it. */
  readonly certificates: readonly [StoredCertificate, ...StoredCertificate[]];
  /** Of a PKCS#12 file, when it was asked for. */
  readonly key?: KeyObject | undefined;
  /** Where they come from when that is no file. */
  readonly server?: HostPort | undefined;
}

export interface InputOptions {
  /** For PKCS#12: its first line is the password. */
  readonly passwordFile: string | undefined;
  readonly withKey: boolean;
  /** How long a running relay may take. */
  readonly timeout: number;
}

/** Throws CredentialFault, and UnreachableError for a relay that does not answer. */
export async function certificatesFrom(
  place: string,
  options: InputOptions,
  terminal: Terminal,
): Promise<CertificateInput> {
  const server = serverOf(place);
  if (server !== undefined) {
    const { presentedBy } = await import("./certs-live.ts");
    return { certificates: some(await presentedBy(server, options.timeout), place), server };
  }
  const file = place === "-" ? SHOWN : place;
  const bytes = place === "-" ? await standardInput(terminal) : Buffer.from(readStored(place).text, "latin1");
  const single = bytes[0] === SEQUENCE ? certificateOf(new Uint8Array(bytes)) : undefined;
  if (single !== undefined) return { certificates: [single] };
  const { looksLikePkcs12 } = await import("../pki/pkcs12-reader.ts");
  if (looksLikePkcs12(bytes)) return fromPkcs12(file, bytes, options);
  return { certificates: some(certificatesIn(Buffer.from(bytes).toString("latin1"), file), file) };
}

/** A file of that name goes first: it is what such an argument has always meant. */
function serverOf(place: string): HostPort | undefined {
  return existsSync(place) ? undefined : hostPort().parse(place);
}

async function standardInput(terminal: Terminal): Promise<Uint8Array> {
  const bytes = await terminal.readInput(MAX_INPUT);
  if (bytes === undefined) throw new CredentialFault("too-large", SHOWN, "is larger than any file of certificates");
  return bytes;
}

async function fromPkcs12(
  file: string,
  bytes: Uint8Array,
  { passwordFile, withKey }: InputOptions,
): Promise<CertificateInput> {
  const { readPkcs12 } = await import("../pki/pkcs12-reader.ts");
  const [password = ""] =
    passwordFile === undefined ? [] : Buffer.from(readStored(passwordFile).text, "latin1").toString().split(/\r?\n/, 1);
  const found = readPkcs12(bytes, password, { withKeys: withKey });
  if (found === "wrong-password") {
    throw new CredentialFault("unreadable", file, "does not open with this password; give it with --password-file");
  }
  if (typeof found === "string") {
    throw new CredentialFault("unreadable", file, "is not a PKCS#12 file that can be read; make it again");
  }
  const certificates = found.certificates.map(certificateOf).filter((each) => each !== undefined);
  const [key, second] = found.keys;
  if (second !== undefined) throw new CredentialFault("bad-key", file, "holds several private keys; leave one in it");
  return { certificates: some(certificates, file), key };
}

function some(certificates: readonly StoredCertificate[], file: string): CertificateInput["certificates"] {
  const [leaf, ...others] = certificates;
  if (leaf === undefined) throw new CredentialFault("no-certificate", file, "holds no certificate");
  return [leaf, ...others];
}

/** Options of the commands that read such input. */
export const INPUT_OPTIONS = {
  passwordFile: optional(fileKind, { help: "file whose first line is the password of a PKCS#12 file" }),
  timeout: option(duration, { default: 5000, help: "how long a running relay may take to answer" }),
};

const SEQUENCE = 0x30;
const SHOWN = "<stdin>";
const MAX_INPUT = 1024 * 1024;
