// What can follow what on a command line: the commands and their options as a shell's completion needs them.
import type { Command, Commands } from "./commands.ts";
import { type CommandSpec, flagName, type OptionTable } from "./options.ts";

/** What a shell may offer for a value; "anything" is something that only the operator knows. */
export type Offer = "files" | "directories" | "anything" | readonly string[];

export interface OfferedFlag {
  /** With its hyphens. */
  readonly flag: string;
  readonly help: string;
  /** Undefined for a switch. */
  readonly value: Offer | undefined;
}

/** One point on a command line: after "ztna", after "ztna certs", after "ztna certs issue". */
export interface Place {
  /** The words that lead there, without the program's name. */
  readonly words: readonly string[];
  /** What may come next: commands or subcommands. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: readonly OfferedFlag[];
  /** What the first argument without a flag is. */
  readonly argument: Offer | undefined;
}

export async function completionPlaces(commands: Commands): Promise<readonly Place[]> {
  const version = { flag: "--version", help: "the version", value: undefined };
  const root = place([], commands, [HELP, version]);
  return [root, ...(await placesBelow([], commands))];
}

async function placesBelow(words: readonly string[], commands: Commands): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const [name, command] of Object.entries(commands)) places.push(...(await placesOf([...words, name], command)));
  return places;
}

async function placesOf(words: readonly string[], command: Command): Promise<readonly Place[]> {
  const parts = (await command.parts?.()) ?? {};
  const spec = await command.spec?.();
  const flags = spec === undefined ? [HELP] : [...flagsOf(spec), HELP];
  const argument = spec === undefined ? undefined : argumentOf(spec);
  const borrowed: Place[] = [];
  for (const [name, lender] of Object.entries((await command.borrows?.()) ?? {})) {
    const lent = await lender.spec?.();
    if (lent !== undefined) borrowed.push(place([...words, name], {}, [...flagsOf(lent), ...flags]));
  }
  return [{ ...place(words, parts, flags), argument }, ...borrowed, ...(await placesBelow(words, parts))];
}

function place(words: readonly string[], commands: Commands, flags: readonly OfferedFlag[]): Place {
  const offered = Object.entries(commands).map(([name, { summary }]) => ({ name, summary }));
  return { words, commands: offered, flags, argument: undefined };
}

function flagsOf({ options, positionals = [] }: CommandSpec<OptionTable>): readonly OfferedFlag[] {
  return Object.entries(options).flatMap(([name, { kind, default: preset, help, only }]): readonly OfferedFlag[] => {
    // A word that is always given by its place is not offered as a flag too.
    if (only === "file" || (only === "flag" && positionals[0] === name)) return [];
    if (kind.placeholder !== undefined) {
      return [{ flag: `--${flagName(name)}`, help, value: kind.completes ?? "anything" }];
    }
    return [{ flag: `--${preset === true ? "no-" : ""}${flagName(name)}`, help, value: undefined }];
  });
}

function argumentOf({ options, positionals: [first] = [] }: CommandSpec<OptionTable>): Offer | undefined {
  return first === undefined ? undefined : options[first]?.kind.completes;
}

const HELP: OfferedFlag = { flag: "--help", help: "explain the command", value: undefined };
