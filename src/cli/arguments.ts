// argv -> the texts given for each option. The parser library is used for parsing only: it neither prints nor exits.
import { Command, CommanderError, Option as ParserOption } from "commander";
import { UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { type CommandSpec, flagName, type OptionTable } from "./options.ts";

export interface Arguments {
  /** Every text given for an option, in order; a switch gives "true" or "false". */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** What the operator wrote, where it is not the option's own flag. */
  readonly origins: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/** Positional arguments count only before the first flag, so that no flag's value is ever taken for one. */
export function readArguments<Table extends OptionTable>(
  spec: CommandSpec<Table>,
  args: readonly string[],
): Arguments | "help" {
  const given = new Given();
  const firstFlag = args.findIndex((argument) => argument.startsWith("-") && argument !== "-");
  const positionals = firstFlag < 0 ? args : args.slice(0, firstFlag);
  const positionalNames = spec.positionals ?? [];
  const last = positionalNames.at(-1);
  for (const [index, value] of positionals.entries()) {
    const name = positionalNames[index] ?? (isRepeatable(spec, last) ? last : undefined);
    if (name === undefined)
      throw new UsageError(`unexpected argument ${JSON.stringify(value)}; see ztna ${spec.command} --help`);
    given.add(name, value, `argument ${index + 1} (${flagName(name)})`);
  }
  const flagged = parseFlags(spec, firstFlag < 0 ? [] : args.slice(firstFlag));
  if (flagged === "help") return "help";
  for (const name of flagged.values.keys()) given.forget(name);
  return {
    values: new Map([...given.values, ...flagged.values]),
    origins: new Map([...given.origins, ...flagged.origins]),
    warnings: flagged.warnings,
  };
}

/** A list that comes last takes all that follows. */
function isRepeatable({ options }: CommandSpec<OptionTable>, name: string | undefined): boolean {
  return name !== undefined && options[name]?.kind.repeatable === true;
}

class Given implements Arguments {
  readonly values = new Map<string, string[]>();
  readonly origins = new Map<string, string>();
  readonly warnings: string[] = [];

  add(name: string, value: string, origin?: string): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
    if (origin !== undefined) this.origins.set(name, origin);
  }

  forget(name: string): void {
    this.values.delete(name);
    this.origins.delete(name);
  }
}

function parseFlags(spec: CommandSpec<OptionTable>, args: readonly string[]): Given | "help" {
  const given = new Given();
  let help = false;
  const parser = new Command(spec.command)
    .helpOption(false)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .addOption(new ParserOption("-h, --help").argParser(() => undefined));
  parser.on("option:help", () => {
    help = true;
  });
  for (const [name, { kind, aliases = [], only }] of Object.entries(spec.options)) {
    if (only === "file") continue;
    const own = flagName(name);
    for (const flag of [own, ...aliases]) {
      const isAlias = flag !== own;
      const note = (value: string) => {
        given.add(name, value, isAlias ? `--${flag}` : undefined);
        if (isAlias) given.warnings.push(`--${flag} stands for --${own}, which is the name to use`);
      };
      if (kind.placeholder === undefined) {
        parser.addOption(new ParserOption(`--${flag}`)).addOption(new ParserOption(`--no-${flag}`));
        parser.on(`option:${flag}`, () => note("true"));
        parser.on(`option:no-${flag}`, () => note("false"));
      } else {
        const { bare } = kind;
        parser.addOption(new ParserOption(bare === undefined ? `--${flag} <value>` : `--${flag} [value]`));
        parser.on(`option:${flag}`, (value: string | null) => note(value ?? bare ?? ""));
      }
    }
  }
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (help) return "help";
    throw error instanceof CommanderError ? usageError(spec, error) : error;
  }
  return help ? "help" : given;
}

function usageError(spec: CommandSpec<OptionTable>, error: CommanderError): UsageError {
  const see = `see ztna ${spec.command} --help`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    const written = quoted.split("=", 1)[0] ?? quoted;
    const near = nearest(written, flags(spec));
    return new UsageError(`unknown option ${written}; ${near === undefined ? "" : `did you mean ${near}? Or `}${see}`);
  }
  if (error.code === "commander.optionMissingArgument")
    return new UsageError(`${quoted.split(" ", 1)[0]} needs a value; ${see}`);
  if (error.code === "commander.excessArguments") {
    return new UsageError(`arguments without a flag come before the first flag; ${see}`);
  }
  return new UsageError(`${error.message.replace(/^error: /, "")}; ${see}`);
}

function flags(spec: CommandSpec<OptionTable>): readonly string[] {
  const all = ["--help"];
  for (const [name, { kind, default: preset, only }] of Object.entries(spec.options)) {
    if (only === "file") continue;
    const negated = kind.placeholder === undefined && preset === true;
    all.push(`--${negated ? "no-" : ""}${flagName(name)}`);
  }
  return all;
}
