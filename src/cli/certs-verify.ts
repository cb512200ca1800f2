// `ztna certs verify`: everything that would keep a certificate from working. Status 1 when something would.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readCertificates, readKey, type StoredCertificate } from "../pki/key-material.ts";
import { type Check, verifyCertificate } from "../pki/verify.ts";
import { certificatesFrom } from "./certs-input.ts";
import { service } from "./certs-kinds.ts";
import { EXIT, UsageError } from "./errors.ts";
import { choice, file as fileKind, host, list } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Values, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  file: optional(fileKind, {
    help: "PEM, DER or PKCS#12 file: the certificate, then its intermediates; - is PEM on standard input",
  }),
  caCert: optional(fileKind, {
    help: "the authority that the other side trusts; without it, ca.pem beside the certificate",
  }),
  key: optional(fileKind, { help: "private key; without it, the file of that name with .key, if there is one" }),
  purpose: optional(choice("server", "client"), { help: "what it is for; without it, what the certificate says" }),
  name: option(list(host), { default: [], help: "a name or address under which the server is dialled" }),
  agent: option(list(service), { default: [], help: "a service that the holder must be allowed to use" }),
  connector: option(list(service), { default: [], help: "a service that the holder must be allowed to provide" }),
  allowOpenKeys: flag("accept a private key that everybody can read"),
  passwordFile: optional(fileKind, { help: "file whose first line is the password of a PKCS#12 file" }),
  json: flag("print JSON"),
};

export const VERIFY: CommandSpec<typeof OPTIONS> = {
  command: "certs verify",
  summary: "whether a certificate will work, and if not, why",
  options: OPTIONS,
  positionals: ["file"],
  examples: [
    "ztna certs verify certs/relay.crt --name relay.example.org",
    "ztna certs verify laptop.crt --ca-cert ca.pem --key laptop.key --agent web",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(VERIFY, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { values } = settings;
  const { file, passwordFile } = values;
  if (file === undefined) throw new UsageError("certs verify needs a file; see ztna certs verify --help");
  const key = keyOf(file, values, terminal);
  const checks = verifyCertificate(
    {
      certificates: (await certificatesFrom(file, passwordFile, terminal)) as [
        StoredCertificate,
        ...StoredCertificate[],
      ],
      anchors: readCertificates(values.caCert ?? join(dirname(file), "ca.pem")),
      purpose: values.purpose,
      names: values.name,
      registrations: (["agent", "connector"] as const).flatMap((role) =>
        values[role].map((wanted) => ({ role, service: wanted })),
      ),
      key,
    },
    Date.now(),
  );
  const ok = checks.every((check) => check.ok);
  if (values.json) terminal.out(`${JSON.stringify({ schema_version: 1, file, ok, checks }, null, 2)}\n`);
  else terminal.out(checks.map(line).join(""));
  return ok ? EXIT.done : EXIT.failed;
}

function keyOf(file: string, { key, allowOpenKeys }: Values<typeof OPTIONS>, terminal: Terminal) {
  const beside = file === "-" ? file : file.replace(/(?:\.[^./]*)?$/, ".key");
  const path = key ?? (existsSync(beside) && beside !== file ? beside : undefined);
  if (path === undefined) return undefined;
  const loaded = readKey(path, { allowOpenKeys });
  for (const warning of loaded.warnings) warn(terminal, warning);
  return loaded.key;
}

function line({ check, ok, detail, fix }: Check): string {
  return `${ok ? "ok  " : "FAIL"}  ${check.padEnd(7)}  ${detail}${fix === undefined ? "" : `; ${fix}`}\n`;
}
