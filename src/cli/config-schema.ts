// `ztna config schema ROLE`: the JSON Schema of a role's file, for editors and for programs that write such files.
import { ROLE_OPTION, roleSpec } from "./config-roles.ts";
import { EXIT } from "./errors.ts";
import { type CommandSpec, readOptions } from "./options.ts";
import type { Run } from "./terminal.ts";

const OPTIONS = { role: ROLE_OPTION };

export const SCHEMA: CommandSpec<typeof OPTIONS> = {
  command: "config schema",
  summary: "the JSON Schema of a role's file",
  options: OPTIONS,
  positionals: ["role"],
  examples: ["ztna config schema serve", "ztna config schema connect > connector.schema.json"],
};

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(SCHEMA, args, terminal);
  if (settings === undefined) return EXIT.done;
  const spec = await roleSpec(settings.values.role, "config schema");
  const { jsonSchemaOf } = await import("./file-schema.ts");
  terminal.out(`${JSON.stringify(jsonSchemaOf(spec), null, 2)}\n`);
  return EXIT.done;
};
