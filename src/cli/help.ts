// The help text of a command, made from the same declaration that reads its options.
import type { Kind } from "./option-kinds.ts";
import { type CommandSpec, flagName, type Option, type OptionTable, variableName } from "./options.ts";

export function commandHelp(spec: CommandSpec<OptionTable>): string {
  const positionals =
    spec.positionals === undefined
      ? ""
      : ` [${spec.positionals.map(positionalName).join(" [")}${"]".repeat(spec.positionals.length)}`;
  const parts = [`ztna ${spec.command}: ${spec.summary}`, `Usage: ztna ${spec.command}${positionals} [OPTIONS]`];
  const groups = new Map<string, [string, string][]>();
  for (const [name, declared] of Object.entries(spec.options)) {
    if (declared.only === "file") continue;
    const heading = declared.group ?? "Options";
    groups.set(heading, [...(groups.get(heading) ?? []), [left(name, declared), right(declared)]]);
  }
  for (const [heading, rows] of groups) parts.push(`${heading}:\n${rows.map(row).join("\n")}`);
  parts.push(sources(spec));
  if (spec.examples.length > 0) parts.push(`Examples:\n${spec.examples.map((example) => `  ${example}`).join("\n")}`);
  return `${parts.join("\n\n")}\n`;
}

function positionalName(name: string): string {
  return flagName(name).replaceAll("-", "_").toUpperCase();
}

function left(name: string, { kind, default: preset }: Option<unknown>): string {
  if (kind.placeholder === undefined) return `--${preset === true ? "no-" : ""}${flagName(name)}`;
  return `--${flagName(name)} ${shownPlaceholder(kind)}`;
}

/** A value that may be left out stands in brackets. */
export function shownPlaceholder({ placeholder, bare }: Kind<unknown>): string {
  return bare === undefined ? `${placeholder}` : `[${placeholder}]`;
}

function right({ kind, default: preset, help }: Option<unknown>): string {
  const repeat = kind.repeatable ? "; may be repeated" : "";
  const shown = kind.placeholder === undefined || preset === undefined ? "" : (kind.show?.(preset) ?? String(preset));
  return `${help}${repeat}${shown === "" ? "" : ` (default ${shown})`}`;
}

function row([flags, meaning]: readonly [string, string]): string {
  if (flags.length >= COLUMN - 3) return `  ${flags}\n${" ".repeat(COLUMN)}${meaning}`;
  return `  ${flags}`.padEnd(COLUMN) + meaning;
}

function sources(spec: CommandSpec<OptionTable>): string {
  const example = Object.entries(spec.options).find(([name, { only }]) => only === undefined && name.length > 4)?.[0];
  if (example === undefined) return "  -h, --help                    this text";
  const variable = `Every option is also a variable, as in ${variableName(spec.command, example)}`;
  if (spec.file === undefined) return `${variable}. Flags come before variables.`;
  const paths = spec.file.defaultPaths.join(", ");
  return `${variable}, and a key of the file.\nFlags come before variables, variables before the file (--config, else the first of ${paths}).`;
}

const COLUMN = 32;
