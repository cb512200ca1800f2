// `ztna validate-secrets`: key material, examined before it is deployed. This file has the options and the order of
// events; where secrets come from and how findings are told is in the files of the same name.
import { readCertificates } from "../pki/key-material.ts";
import { directory } from "./certs-kinds.ts";
import { EXIT, UsageError } from "./errors.ts";
import { count, duration, file, type Kind, list, text } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const instant: Kind<number> = {
  placeholder: "TIME",
  expected: "a time such as 2026-05-01 or 2026-05-01T12:00:00Z",
  parse: (value) => {
    const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/.test(value) ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? undefined : at;
  },
  schema: (z) => z.string(),
};

const objectName: Kind<string> = {
  placeholder: "NAME",
  expected: "the name of a namespace: lower-case letters, digits and hyphens",
  parse: (value) => (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value) ? value : undefined),
  schema: (z) => z.string(),
};

const SOURCES = "Where the secrets are";
const OUTPUT = "Output";
const OPTIONS = {
  namespace: option(objectName, { default: "ztna", help: "namespace that the secrets belong to", group: SOURCES }),
  dir: option(list(directory), { default: [], help: "a directory of PEM files", group: SOURCES }),
  manifest: option(list(file), { default: [], help: "a file of manifests; - is standard input", group: SOURCES }),
  cluster: flag("the live cluster, through kubectl; without --dir and --manifest it is taken anyway", {
    group: SOURCES,
  }),
  context: optional(text, { help: "the context of kubectl; includes --cluster", group: SOURCES }),
  timeout: option(duration, { default: 30_000, help: "how long kubectl may take for a secret", group: SOURCES }),
  expect: optional(file, { help: "JSON or YAML file that names the secrets that must be there, and their roles" }),
  caCert: option(list(file), { default: [], help: "a CA beside the ca.crt of each secret" }),
  minDays: option(count(0, 36_500), { default: 30, help: "warn of certificates that expire earlier" }),
  strict: flag("end with status 7 when there are warnings"),
  allowOpenKeys: flag("accept private keys that others can read"),
  now: optional(instant, { help: "examine as if it were that time" }),
  json: flag("print JSON", { group: OUTPUT }),
  sarif: flag("print SARIF 2.1.0, for code scanning", { group: OUTPUT }),
  junit: flag("print JUnit XML", { group: OUTPUT }),
};

export const VALIDATE_SECRETS: CommandSpec<typeof OPTIONS> = {
  command: "validate-secrets",
  summary: "check key material before it is deployed",
  options: OPTIONS,
  positionals: ["namespace"],
  examples: [
    "ztna validate-secrets --dir certs",
    "kustomize build deploy | ztna validate-secrets --manifest -",
    "ztna validate-secrets ztna --context production",
    "ztna validate-secrets --manifest secrets.yaml --expect expected.yaml --min-days 60 --strict --sarif",
  ],
};

export type ValidateSettings = Values<typeof OPTIONS>;

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(VALIDATE_SECRETS, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { values } = settings;
  const formats = (["json", "sarif", "junit"] as const).filter((format) => values[format]);
  if (formats.length > 1) throw new UsageError(`--${formats.join(" and --")} exclude each other; choose one`);
  const anchors = values.caCert.flatMap((path) => readCertificates(path));
  const { examine } = await import("./validate-secrets-examination.ts");
  const examination = await examine(values, anchors, terminal);
  const { printReport } = await import("./validate-secrets-report.ts");
  printReport(examination, formats[0] ?? "text", terminal);
  return examination.exitCode;
}
