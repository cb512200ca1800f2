// `ztna certs export`: a certificate, its key and the CA as one encrypted PKCS#12 file.
import { join } from "node:path";
import { loadOwnCredentials } from "../pki/credentials.ts";
import { readCertificates, type StoredCertificate } from "../pki/key-material.ts";
import { readStored, writeStored } from "../pki/store.ts";
import { usualPurpose } from "../pki/verify.ts";
import { directory, holderName } from "./certs-kinds.ts";
import { EXIT, UsageError } from "./errors.ts";
import { file } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { refuseTracked } from "./tracked-path.ts";

const OPTIONS = {
  name: optional(holderName, { help: "name of the files: NAME.crt and NAME.key" }),
  dir: option(directory, { default: "certs", help: "where they are, and ca.pem" }),
  caCert: optional(file, { help: "certificate of the authority, if not ca.pem there" }),
  passwordFile: optional(file, { help: "file whose first line is the password; - is standard input" }),
  out: optional(file, { help: "the file to write, if not NAME.p12 there" }),
  allowOpenKeys: flag("accept a private key that everybody can read"),
  force: flag("write where git would track it, and replace a file that exists"),
};

export const EXPORT: CommandSpec<typeof OPTIONS> = {
  command: "certs export",
  summary: "a certificate with its key as a PKCS#12 file, for desktops and browsers",
  options: OPTIONS,
  positionals: ["name"],
  examples: [
    "ztna certs export laptop --password-file password.txt",
    "pass show laptop | ztna certs export laptop --password-file -",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(EXPORT, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { name, dir, caCert, passwordFile, allowOpenKeys, force } = settings.values;
  if (name === undefined)
    throw new UsageError("certs export needs the name of the files; see ztna certs export --help");
  if (passwordFile === undefined) throw new UsageError("the file is encrypted: give its password with --password-file");
  const password = await passwordOf(passwordFile, terminal);
  const files = { certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
  const [leaf] = readCertificates(files.certificate) as [StoredCertificate];
  const own = loadOwnCredentials(files, usualPurpose(leaf), { allowOpenKeys }, Date.now());
  for (const warning of own.warnings) warn(terminal, warning);
  const authority = readStored(caCert ?? join(dir, "ca.pem")).text;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const { encodePkcs12 } = await import("../pki/pkcs12.ts");
  const contents = { name, keyPem: text(own.key), certificatesPem: `${text(own.certChain)}\n${authority}` };
  const out = settings.values.out ?? join(dir, `${name}.p12`);
  if (!force) refuseTracked(out, terminal.environment);
  writeStored([{ path: out, text: encodePkcs12(contents, password) }], { force });
  terminal.out(`${out}  PKCS#12 with ${name}.crt, its key and the CA\n`);
  return EXIT.done;
}

async function passwordOf(path: string, terminal: Terminal): Promise<string> {
  const bytes = path === "-" ? await terminal.readInput(MAX_INPUT) : Buffer.from(readStored(path).text, "latin1");
  const text = new TextDecoder().decode(bytes);
  const [password = ""] = text.split(/\r?\n/, 1);
  if (password === "") throw new UsageError("the password is empty; put it into the first line");
  return password;
}

/** More than any password. */
const MAX_INPUT = 64 * 1024;
