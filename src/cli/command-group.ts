// A command that consists of subcommands: picks the one that the first argument names.
import type { Commands } from "./commands.ts";
import { EXIT, UsageError } from "./errors.ts";
import { hintFor } from "./nearest.ts";
import type { Terminal } from "./terminal.ts";

export interface Group {
  /** As it is called: "certs". */
  readonly name: string;
  readonly parts: Commands;
  help(): string;
}

/** Runs the part of a group that the first argument names. */
export async function runGroup(group: Group, args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--help" || first === "-h") {
    terminal.out(group.help());
    return EXIT.done;
  }
  if (first === undefined) {
    terminal.err(group.help());
    return EXIT.usage;
  }
  const part = Object.hasOwn(group.parts, first) ? group.parts[first] : undefined;
  if (part === undefined) {
    const hint = hintFor(first, [...Object.keys(group.parts), "--help"], `ztna ${group.name} --help`);
    throw new UsageError(`unknown subcommand "${first}" of ${group.name}; ${hint}`);
  }
  return (await part.load()).run(rest, terminal);
}
