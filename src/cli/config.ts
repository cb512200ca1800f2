// `ztna config …`: what the files of the roles may hold, and which settings are in force.
import { runGroup } from "./command-group.ts";
import { type Commands, commandRows } from "./commands.ts";
import type { Run } from "./terminal.ts";

/** The order of the help text. */
export const SUBCOMMANDS: Commands = {
  schema: {
    summary: "the JSON Schema of a role's file",
    load: () => import("./config-schema.ts"),
    spec: async () => (await import("./config-schema.ts")).SCHEMA,
  },
  show: {
    summary: "every setting of a role, its value and where that comes from",
    load: () => import("./config-show.ts"),
    spec: async () => (await import("./config-show.ts")).SHOW,
    borrows: async () => (await import("./config-roles.ts")).ROLES,
  },
};

export const run: Run = (args, terminal) => runGroup({ name: "config", parts: SUBCOMMANDS, help }, args, terminal);

function help(): string {
  return `ztna config: describe and show the settings of the roles

Usage: ztna config SUBCOMMAND ROLE [OPTIONS]

Subcommands:
${commandRows(SUBCOMMANDS)}

  -h, --help  this text; ztna config SUBCOMMAND --help for a subcommand's options

Examples:
  ztna config schema connect > connector.schema.json
  ztna config show serve --config /etc/ztna/intermediate.json
`;
}
