// `ztna certs show`: what the certificates in a file say.
import { describeCertificate, viewCertificate } from "../pki/inspect.ts";
import { certificatesFrom, INPUT_OPTIONS } from "./certs-input.ts";
import { UsageError } from "./errors.ts";
import { file as fileKind } from "./option-kinds.ts";
import { type CommandSpec, flag, optional, readOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  file: optional(fileKind, { help: "PEM, DER or PKCS#12 file; - is standard input, HOST:PORT asks a running relay" }),
  ...INPUT_OPTIONS,
  json: flag("print JSON"),
};

export const SHOW: CommandSpec<typeof OPTIONS> = {
  command: "certs show",
  summary: "what a certificate says and allows",
  options: OPTIONS,
  positionals: ["file"],
  examples: ["ztna certs show certs/laptop.crt", "ztna certs show relay.example.org:4433 --json"],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(SHOW, args, terminal);
  if (settings === undefined) return 0;
  const { file, json, passwordFile, timeout } = settings.values;
  if (file === undefined) throw new UsageError("certs show needs a file or HOST:PORT; see ztna certs show --help");
  const { certificates } = await certificatesFrom(file, { passwordFile, timeout, withKey: false }, terminal);
  const wallNow = Date.now();
  if (json) {
    const views = certificates.map((certificate) => viewCertificate(certificate, wallNow));
    terminal.out(`${JSON.stringify({ schema_version: 1, file, certificates: views }, null, 2)}\n`);
  } else {
    terminal.out(certificates.map((certificate) => describeCertificate(certificate, wallNow)).join("\n"));
  }
  return 0;
}
