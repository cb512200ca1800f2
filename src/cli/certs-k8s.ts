// `ztna certs k8s`: a pair and its CA as a Kubernetes Secret, examined first as validate-secrets would.
import { join } from "node:path";
import { kindOf } from "../pki/findings.ts";
import { checkSecret } from "../pki/secret-checks.ts";
import { encodeSecretManifest, pairRecord } from "../pki/secret-manifest.ts";
import { isObjectName } from "../pki/secret-record.ts";
import { readStored, writeStored } from "../pki/store.ts";
import { directory, holderName, objectName } from "./certs-kinds.ts";
import { CredentialError, EXIT, UsageError } from "./errors.ts";
import { file } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { refuseTracked } from "./tracked-path.ts";

const OPTIONS = {
  name: optional(holderName, { help: "name of the files: NAME.crt and NAME.key" }),
  dir: option(directory, { default: "certs", help: "where they are, and ca.pem" }),
  caCert: optional(file, { help: "certificate of the authority, if not ca.pem there" }),
  secret: optional(objectName, { help: "name of the Secret; without it, that of the files" }),
  namespace: option(objectName, { default: "ztna", help: "namespace of the Secret" }),
  out: optional(file, { help: "write to this file, readable by its owner only, instead of standard output" }),
  force: flag("write where git would track it, and replace a file that exists"),
};

export const K8S: CommandSpec<typeof OPTIONS> = {
  command: "certs k8s",
  summary: "print a certificate and its key as a Kubernetes Secret",
  options: OPTIONS,
  positionals: ["name"],
  examples: [
    "ztna certs k8s relay --secret ztna-intermediate-tls | kubectl apply -f -",
    "ztna certs k8s office --secret ztna-connector-tls --namespace edge | ztna validate-secrets edge --manifest -",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(K8S, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { name, dir, caCert, namespace, out, force } = settings.values;
  if (name === undefined) throw new UsageError("certs k8s needs the name of the files; see ztna certs k8s --help");
  const secret = settings.values.secret ?? name.toLowerCase();
  if (!isObjectName(secret)) throw new UsageError(`${name} cannot be the name of a Secret; give one with --secret`);
  const record = pairRecord(secret, namespace, {
    certificate: readStored(join(dir, `${name}.crt`)).text,
    key: readStored(join(dir, `${name}.key`)).text,
    authority: readStored(caCert ?? join(dir, "ca.pem")).text,
  });
  const context = { wallNow: Date.now(), minDays: 30, allowOpenKeys: true, anchors: [] };
  for (const finding of checkSecret(record, undefined, context).findings) {
    const { level, remedy } = kindOf(finding);
    const sentence = `${secret} ${finding.key ?? ""} ${finding.detail}; ${remedy} [${finding.id}]`.replace("  ", " ");
    if (level !== "warn") throw new CredentialError(sentence);
    warn(terminal, sentence);
  }
  const target = out ?? terminal.outFile?.();
  if (target !== undefined && !force) refuseTracked(target, terminal.environment);
  const manifest = encodeSecretManifest(record);
  if (out === undefined) terminal.out(manifest);
  else writeStored([{ path: out, text: manifest }], { force });
  return EXIT.done;
}
