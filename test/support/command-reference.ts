// Writes the references of commands and reason codes from their declarations: bun test/support/command-reference.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { allSpecs } from "../../src/cli/commands.ts";
import { meaningOf } from "../../src/cli/file-schema.ts";
import { shownPlaceholder } from "../../src/cli/help.ts";
import {
  type CommandSpec,
  fileKeys,
  flagName,
  type Option,
  type OptionTable,
  variableName,
} from "../../src/cli/options.ts";
import { REASON_GROUPS, type ReasonGroup } from "../../src/cli/reasons.ts";
import { ROOT } from "./repository.ts";

export const REFERENCE = "src/cli/COMMANDS.md";
export const REASON_REFERENCE = "src/cli/REASONS.md";

export async function commandReference(): Promise<string> {
  const specs = await allSpecs();
  return `# Commands

Every option of every command, from the same declarations as \`--help\`, the files and the completions. Values come from the flag, else the
variable, else the file, else the default; [README.md](README.md) says the rest. Written by \`bun test/support/command-reference.ts\`; a
test keeps it equal to the declarations.

${specs.map(section).join("\n")}`;
}

export function reasonReference(): string {
  return `# Reason codes

What \`ztna explain REASON\` says. The same words in logs, metrics, closes and NACKs, on both ends; what each looks like on the wire is in
\`wire/README.md\`. Written by \`bun test/support/command-reference.ts\`; a test keeps it equal to the code.

${REASON_GROUPS.filter(({ name }) => name !== "secrets")
  .map(reasonSection)
  .join("\n")}
The findings of \`validate-secrets\` are in [the README of pki](../pki/README.md).
`;
}

function reasonSection({ name, seen, reasons }: ReasonGroup): string {
  const rows = Object.entries(reasons).map(([reason, { meaning, decidedBy, fix }]) =>
    line([`\`${reason}\``, meaning, decidedBy, fix]),
  );
  const columns = ["code", "meaning", "who decides", "what to do"];
  const table = [line(columns), line(columns.map(() => "---")), ...rows].join("\n");
  return `## ${upperFirst(name)}\n\nSeen in: ${seen}.\n\n${table}\n`;
}

function section(spec: CommandSpec<OptionTable>): string {
  const { command, summary, positionals = [], file, examples } = spec;
  const words = positionals.map((name) => `[${flagName(name).toUpperCase().replaceAll("-", "_")}]`);
  const parts = [
    `## ztna ${command}`,
    `${upperFirst(summary)}. \`${["ztna", command, ...words, "[OPTIONS]"].join(" ")}\``,
  ];
  if (file !== undefined) {
    const paths = file.defaultPaths.map((path) => `\`${path}\``).join(", else ");
    parts.push(`File: \`--config\`, else ${paths}.`);
  }
  const rows = Object.entries(spec.options).map(([name, option]) => row(spec, name, option));
  const columns = ["flag", "variable", ...(file === undefined ? [] : ["key of the file"]), "default", "meaning"];
  parts.push([line(columns), line(columns.map(() => "---")), ...rows].join("\n"));
  parts.push(`\`\`\`sh\n${examples.join("\n")}\n\`\`\``);
  return `${parts.join("\n\n")}\n`;
}

function row(spec: CommandSpec<OptionTable>, name: string, option: Option<unknown>): string {
  const { kind, default: preset, only, aliases = [] } = option;
  const flag = `--${kind.placeholder === undefined && preset === true ? "no-" : ""}${flagName(name)}`;
  const flags = only === "file" ? [] : [kind.placeholder === undefined ? flag : `${flag} ${shownPlaceholder(kind)}`];
  const variables = only === undefined ? [variableName(spec.command, name)] : [];
  if (name === "config") variables.push(variableName(spec.command, name));
  const keys = spec.file === undefined ? [] : fileKeys(name, option, spec.file.style);
  const shown = preset === undefined || preset === false ? "" : (kind.show?.(preset) ?? String(preset));
  const also = aliases.length === 0 ? "" : `; also ${aliases.map((alias) => `\`--${alias}\``).join(", ")}`;
  const repeat = kind.repeatable === true ? "; may be repeated" : "";
  return line([
    code(flags),
    code(variables),
    ...(spec.file === undefined ? [] : [code(keys)]),
    code(shown === "" ? [] : [shown]),
    `${meaningOf(option)}${repeat}${also}`.replaceAll("|", "\\|"),
  ]);
}

function code(texts: readonly string[]): string {
  return texts.map((text) => `\`${text.replaceAll("|", "\\|")}\``).join(", ");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`.replaceAll(/ {2,}/g, " ");
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

if (import.meta.main) {
  writeFileSync(join(ROOT, REFERENCE), await commandReference());
  writeFileSync(join(ROOT, REASON_REFERENCE), reasonReference());
}
