// The roles that read a file: commands whose settings can be described and shown.
import { COMMANDS, type Commands } from "./commands.ts";
import { UsageError } from "./errors.ts";
import { choice } from "./option-kinds.ts";
import { type CommandSpec, type OptionTable, optional } from "./options.ts";

const NAMES = ["serve", "connect", "agent"] as const;

export const ROLES: Commands = Object.fromEntries(
  Object.entries(COMMANDS).filter(([name]) => NAMES.some((role) => role === name)),
);

export const ROLE_OPTION = optional(choice(...NAMES), { help: "whose settings", only: "flag" });

/** The declaration of a role, by the name of its command. */
export async function roleSpec(role: string | undefined, asker: string): Promise<CommandSpec<OptionTable>> {
  const known = role === undefined ? undefined : ROLE_OPTION.kind.parse(role);
  const spec = known === undefined ? undefined : await ROLES[known]?.spec?.();
  if (spec !== undefined) return spec;
  const given = role === undefined ? "a role" : `a role, and ${JSON.stringify(role)} is none`;
  throw new UsageError(`${asker} needs ${given}: ${ROLE_OPTION.kind.expected}`);
}
