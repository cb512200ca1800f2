// The roles that read a file: commands whose settings can be described and shown.
import { COMMANDS } from "./commands.ts";
import { UsageError } from "./errors.ts";
import { choice } from "./option-kinds.ts";
import { type CommandSpec, type OptionTable, optional } from "./options.ts";

export const ROLE_OPTION = optional(choice("serve", "connect"), { help: "whose settings", only: "flag" });

/** The declaration of a role, by the name of its command. */
export async function roleSpec(role: string | undefined, asker: string): Promise<CommandSpec<OptionTable>> {
  const known = role === undefined ? undefined : ROLE_OPTION.kind.parse(role);
  const spec = known === undefined ? undefined : await COMMANDS[known]?.spec?.();
  if (spec !== undefined) return spec;
  const given = role === undefined ? "a role" : `a role, and ${JSON.stringify(role)} is none`;
  throw new UsageError(`${asker} needs ${given}: ${ROLE_OPTION.kind.expected}`);
}
