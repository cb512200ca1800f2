// `ztna certs init`: a certificate authority, and with a plan everything that it describes, all or nothing.
import { join } from "node:path";
import type { Issued } from "../pki/authority.ts";
import type { KeyType } from "../pki/key-type.ts";
import { authorityName, days, directory, keyType } from "./certs-kinds.ts";
import { deliver, type MadePair } from "./certs-report.ts";
import { UsageError } from "./errors.ts";
import { file } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Settings } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  dir: option(directory, { default: "certs", help: "where the files go" }),
  name: option(authorityName, { default: "ztna CA", help: "common name of the authority" }),
  days: option(days, { default: 3650, help: "how long the authority is valid" }),
  keyType: option<KeyType>(keyType, {
    default: "ecdsa-p256",
    help: "ecdsa, rsa or ed25519; also with a size, as rsa-4096",
  }),
  plan: optional(file, { help: "JSON or YAML file that describes the authority and what it issues" }),
  force: flag("replace files that exist: an authority that is replaced makes its certificates worthless"),
  json: flag("print what was made as JSON"),
};

export const INIT: CommandSpec<typeof OPTIONS> = {
  command: "certs init",
  summary: "make a certificate authority",
  options: OPTIONS,
  examples: ["ztna certs init", "ztna certs init --dir /etc/ztna/pki --name 'Example ZTNA CA' --plan pki.json"],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(INIT, args, terminal);
  if (settings === undefined) return 0;
  const { dir, force, json, plan } = settings.values;
  deliver(plan === undefined ? [await lone(settings)] : await planned(settings, plan), { force, json }, terminal);
  if (!json) {
    terminal.err(`Keep ${join(dir, "ca.key")} away from servers: it is needed only to issue certificates.\n`);
    if (plan === undefined) terminal.err("Next: ztna certs issue relay --server --host RELAY_HOST_NAME\n");
  }
  return 0;
}

async function lone({ values }: Settings<typeof OPTIONS>): Promise<MadePair> {
  const { makeAuthority } = await import("../pki/authority.ts");
  const { validityOf } = await import("../pki/dates.ts");
  const validity = validityOf(values.days, Date.now());
  return authorityFiles(values.dir, await makeAuthority({ name: values.name, keyType: values.keyType, ...validity }));
}

/** The plan says these things itself, and one of two answers would have to be ignored. */
async function planned(settings: Settings<typeof OPTIONS>, path: string): Promise<readonly MadePair[]> {
  for (const name of ["name", "days", "keyType"] as const) {
    if (settings.source(name) === "default") continue;
    throw new UsageError(`${settings.origin(name)} does not go with --plan; put it into ${path}`);
  }
  const { carryOut, readPlan } = await import("./certs-plan.ts");
  const { ca, certificates } = await carryOut(await readPlan(path), Date.now());
  const { dir } = settings.values;
  return [
    authorityFiles(dir, ca),
    ...certificates.map(({ name, issued }) => ({
      certificateFile: join(dir, `${name}.crt`),
      keyFile: join(dir, `${name}.key`),
      issued,
    })),
  ];
}

function authorityFiles(dir: string, issued: Issued): MadePair {
  return { certificateFile: join(dir, "ca.pem"), keyFile: join(dir, "ca.key"), issued };
}
