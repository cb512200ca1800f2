// A command that consists of subcommands: picks the one that the first argument names.
import type { Commands } from "./commands.ts";
import { EXIT, UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";
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
    const near = nearest(first, [...Object.keys(group.parts), "--help"]);
    const hint = near === undefined ? "see" : `did you mean "${near}"? See`;
    throw new UsageError(`unknown subcommand "${first}" of ${group.name}; ${hint} ztna ${group.name} --help.`);
  }
  return (await part.load()).run(rest, terminal);
}
