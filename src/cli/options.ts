// An option is declared once: its name gives the flag (--metrics-port), the variable (ZTNA_SERVE_METRICS_PORT) and the
// key of the file (metrics_port). Precedence: flag, variable, file, default. Anything unknown or unreadable is an error.
import { type Arguments, readArguments } from "./arguments.ts";
import type { FileValues } from "./config-file.ts";
import { ConfigurationError, UsageError } from "./errors.ts";
import { commandHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import { type Kind, toggle } from "./option-kinds.ts";
import type { Terminal } from "./terminal.ts";

export interface Option<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly help: string;
  /** Further keys of the file; a dot descends: "intermediate_server.host". */
  readonly keys?: readonly string[];
  /** Flags that some deployments pass in place of this one: accepted, with a warning. */
  readonly aliases?: readonly string[];
  /** Where it can be given; everywhere unless told otherwise. */
  readonly only?: "flag" | "file";
  /** Heading in the help text. */
  readonly group?: string;
  /** Never shown. */
  readonly secret?: true;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

export type Values<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

/** A command as data: everything that its help text shows and its arguments may hold. */
export interface CommandSpec<Table extends OptionTable> {
  readonly command: string;
  readonly summary: string;
  readonly options: Table;
  readonly examples: readonly string[];
  /** Options that may also be given, in this order, before the first flag. */
  readonly positionals?: readonly string[];
  /** Where a file is looked for when the option `config` names none; present when the command reads a file. */
  readonly file?: { readonly defaultPaths: readonly string[]; readonly style: KeyStyle };
}

export type KeyStyle = "snake_case" | "camelCase";

export type Source = "flag" | "variable" | "file" | "default";

export interface Settings<Table extends OptionTable> {
  readonly values: Values<Table>;
  source(name: keyof Table): Source;
  /** What the operator would write to change the option: for messages. */
  origin(name: keyof Table & string): string;
  /** Where that stands: the same, but of a file the line, too; `element` of a list, from 0. */
  place(name: keyof Table & string, element?: number): string;
  /** A usage error if any of the named options came from a flag, else a configuration error. */
  conflict(message: string, ...names: readonly (keyof Table & string)[]): UsageError | ConfigurationError;
  readonly file: string | undefined;
}

/** An option that has a value without the operator's help. */
export function option<T>(kind: Kind<T>, rest: Omit<Option<NoInfer<T>>, "kind">): Option<T> {
  return { kind, ...rest };
}

/** An option that may stay unset. */
export function optional<T>(
  kind: Kind<T>,
  rest: Omit<Option<T | undefined>, "kind" | "default">,
): Option<T | undefined> {
  return { kind, default: undefined, ...rest };
}

/** A switch that is off unless given. */
export function flag(help: string, rest: Partial<Option<boolean>> = {}): Option<boolean> {
  return { kind: toggle, default: false, help, ...rest };
}

/** Reads every source; undefined means that help was asked for and printed. Warnings go to standard error. */
export async function readOptions<Table extends OptionTable>(
  spec: CommandSpec<Table>,
  args: readonly string[],
  terminal: Terminal,
): Promise<Settings<Table> | undefined> {
  const given = await readArguments(spec, args);
  if (given === "help") {
    terminal.out(commandHelp(spec));
    return undefined;
  }
  for (const warning of [...given.warnings, ...unknownVariables(spec, terminal.environment)]) warn(terminal, warning);
  const named = given.values.get(CONFIG)?.[0] ?? terminal.environment[variableName(spec.command, CONFIG)];
  return settle(spec, given, terminal.environment, await findFile(spec, named));
}

export function warn(terminal: Terminal, message: string): void {
  terminal.err(`ztna: warning: ${message}\n`);
}

/** metricsPort -> metrics-port */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** metricsPort -> ZTNA_SERVE_METRICS_PORT */
export function variableName(command: string, name: string): string {
  return `ZTNA_${command}_${flagName(name)}`.replaceAll(/[- ]/g, "_").toUpperCase();
}

/** Every key of the file that gives this option, its own name first. */
export function fileKeys(name: string, { keys = [], only }: Option<unknown>, style: KeyStyle): readonly string[] {
  if (only === "flag") return [];
  const own = style === "camelCase" ? name : flagName(name).replaceAll("-", "_");
  return only === "file" ? keys : [...new Set([own, ...keys])];
}

interface ConfigFile {
  readonly path: string;
  readonly values: FileValues;
}

/** The library that checks files is loaded only when there is one. */
async function findFile(spec: CommandSpec<OptionTable>, named: string | undefined): Promise<ConfigFile | undefined> {
  if (spec.file === undefined) return undefined;
  const { existsSync } = await import("node:fs");
  const path = named ?? spec.file.defaultPaths.find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  const { readConfigFile } = await import("./config-file.ts");
  return { path, values: await readConfigFile(path, spec.options, spec.file.style) };
}

function settle<Table extends OptionTable>(
  spec: CommandSpec<Table>,
  given: Arguments,
  environment: Terminal["environment"],
  file: ConfigFile | undefined,
): Settings<Table> {
  const values: Record<string, unknown> = {};
  const sources = new Map<string, { readonly source: Source; readonly origin: string }>();
  for (const [name, declared] of Object.entries(spec.options)) {
    const variable = variableName(spec.command, name);
    const flagged = given.values.get(name);
    const inFile = file?.values.get(name);
    const origin = inFile === undefined ? shownFlag(name, declared) : `${file?.path}: ${inFile.key}`;
    if (flagged !== undefined) {
      values[name] = parsed(declared.kind, flagged, given.origins.get(name) ?? shownFlag(name, declared), UsageError);
      sources.set(name, { source: "flag", origin: given.origins.get(name) ?? shownFlag(name, declared) });
    } else if (declared.only === undefined && environment[variable] !== undefined) {
      values[name] = parsed(declared.kind, [environment[variable]], variable, ConfigurationError);
      sources.set(name, { source: "variable", origin: variable });
    } else {
      values[name] = inFile === undefined ? declared.default : inFile.value;
      sources.set(name, { source: inFile === undefined ? "default" : "file", origin });
    }
  }
  return {
    values: values as Values<Table>,
    source: (name) => sources.get(name as string)?.source ?? "default",
    origin: (name) => sources.get(name)?.origin ?? name,
    place: (name, element) => {
      const { source, origin = name } = sources.get(name) ?? {};
      return (source === "file" ? file?.values.get(name)?.place(element) : undefined) ?? origin;
    },
    conflict: (message, ...names) =>
      names.some((name) => sources.get(name)?.source === "flag")
        ? new UsageError(message)
        : new ConfigurationError(message),
    file: file?.path,
  };
}

function parsed(
  kind: Kind<unknown>,
  texts: readonly string[],
  origin: string,
  Mistake: typeof UsageError | typeof ConfigurationError,
): unknown {
  const values = texts.map((text) => {
    const value = kind.parse(text);
    if (value === undefined) throw new Mistake(`${origin} is ${JSON.stringify(text)}, but must be ${kind.expected}`);
    return value;
  });
  return kind.repeatable ? values.flat() : values.at(-1);
}

function shownFlag(name: string, { kind, default: preset }: Option<unknown>): string {
  return kind.placeholder === undefined && preset === true ? `--no-${flagName(name)}` : `--${flagName(name)}`;
}

/** A misspelt variable would be ignored without a word. Only a warning: schedulers put their own into the environment. */
function unknownVariables(spec: CommandSpec<OptionTable>, environment: Terminal["environment"]): readonly string[] {
  const known = Object.entries(spec.options)
    .filter(([, { only }]) => only === undefined)
    .map(([name]) => variableName(spec.command, name));
  if (spec.file !== undefined) known.push(variableName(spec.command, CONFIG));
  const prefix = variableName(spec.command, "");
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map((name) => {
      // What all of them begin with makes none of them alike.
      const near = nearest(
        name.slice(prefix.length),
        known.map((each) => each.slice(prefix.length)),
      );
      const hint = near === undefined ? "" : `; did you mean ${prefix}${near}?`;
      return `${name} is not a variable of this command and is ignored${hint}`;
    });
}

const CONFIG = "config";
