// `ztna certs verify`: everything that would keep a certificate from working. Status 1 when something would.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ServerNames } from "../identity/server-name.ts";
import { readCertificates, readKey } from "../pki/key-material.ts";
import { type Check, verifyCertificate } from "../pki/verify.ts";
import { type CertificateInput, certificatesFrom, INPUT_OPTIONS } from "./certs-input.ts";
import { service } from "./certs-kinds.ts";
import { EXIT, UsageError } from "./errors.ts";
import { choice, file as fileKind, type HostPort, host, list } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Values, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  file: optional(fileKind, {
    help: "PEM, DER or PKCS#12 file: the certificate, then its intermediates; - is standard input, HOST:PORT asks a running relay",
  }),
  caCert: optional(fileKind, {
    help: "the authority that the other side trusts; without it, ca.pem beside the certificate",
  }),
  key: optional(fileKind, {
    help: "private key; without it, that of the PKCS#12 file, or the file of that name with .key, if there is one",
  }),
  purpose: optional(choice("server", "client"), { help: "what it is for; without it, what the certificate says" }),
  name: option(list(host), {
    default: [],
    help: "a name or address under which the server is dialled (of a running relay: HOST, or ztna-server)",
  }),
  agent: option(list(service), { default: [], help: "a service that the holder must be allowed to use" }),
  connector: option(list(service), { default: [], help: "a service that the holder must be allowed to provide" }),
  allowOpenKeys: flag("accept a private key that everybody can read"),
  ...INPUT_OPTIONS,
  json: flag("print JSON"),
};

export const VERIFY: CommandSpec<typeof OPTIONS> = {
  command: "certs verify",
  summary: "whether a certificate will work, and if not, why",
  options: OPTIONS,
  positionals: ["file"],
  examples: [
    "ztna certs verify certs/relay.crt --name relay.example.org",
    "ztna certs verify relay.example.org:4433 --ca-cert ca.pem",
    "ztna certs verify laptop.crt --ca-cert ca.pem --key laptop.key --agent web",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(VERIFY, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { values } = settings;
  const { file, passwordFile, timeout } = values;
  if (file === undefined) throw new UsageError("certs verify needs a file or HOST:PORT; see ztna certs verify --help");
  const input = await certificatesFrom(file, { passwordFile, timeout, withKey: values.key === undefined }, terminal);
  const { server, certificates } = input;
  const checks = verifyCertificate(
    {
      certificates,
      anchors: readCertificates(anchorsOf(file, input, values)),
      purpose: values.purpose ?? (server && "server"),
      names: namesOf(server, values.name),
      registrations: (["agent", "connector"] as const).flatMap((role) =>
        values[role].map((wanted) => ({ role, service: wanted })),
      ),
      key: input.key ?? keyOf(file, input, values, terminal),
    },
    Date.now(),
  );
  const ok = checks.every((check) => check.ok);
  if (values.json) terminal.out(`${JSON.stringify({ schema_version: 1, file, ok, checks }, null, 2)}\n`);
  else terminal.out(checks.map(line).join(""));
  return ok ? EXIT.done : EXIT.failed;
}

type VerifyValues = Values<typeof OPTIONS>;

function anchorsOf(file: string, { server }: CertificateInput, { caCert }: VerifyValues): string {
  if (caCert !== undefined || server === undefined) return caCert ?? join(dirname(file), "ca.pem");
  throw new UsageError("nothing is beside a running relay: give the authority to trust with --ca-cert");
}

/** A client of a running relay is content with either of its names. */
function namesOf(server: HostPort | undefined, given: readonly string[]): readonly ServerNames[] {
  if (given.length === 0 && server !== undefined) return [[server.host, "ztna-server"]];
  return given.map((name) => [name]);
}

function keyOf(file: string, { server }: CertificateInput, { key, allowOpenKeys }: VerifyValues, terminal: Terminal) {
  const isFile = file !== "-" && server === undefined;
  const beside = isFile ? file.replace(/(?:\.[^./]*)?$/, ".key") : undefined;
  const path = key ?? (beside !== undefined && beside !== file && existsSync(beside) ? beside : undefined);
  if (path === undefined) return undefined;
  const loaded = readKey(path, { allowOpenKeys });
  for (const warning of loaded.warnings) warn(terminal, warning);
  return loaded.key;
}

function line({ check, ok, detail, fix }: Check): string {
  return `${ok ? "ok  " : "FAIL"}  ${check.padEnd(7)}  ${detail}${fix === undefined ? "" : `; ${fix}`}\n`;
}
