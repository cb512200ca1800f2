// `ztna config show ROLE`: every setting that the role would run with, and where each comes from. Secrets are masked.
import { ROLE_OPTION, roleSpec } from "./config-roles.ts";
import { EXIT } from "./errors.ts";
import { commandHelp } from "./help.ts";
import {
  type CommandSpec,
  fileKeys,
  flag,
  type Option,
  type OptionTable,
  readOptions,
  type Settings,
  type Source,
} from "./options.ts";
import type { Run } from "./terminal.ts";

const OPTIONS = { role: ROLE_OPTION, json: flag("print JSON", { only: "flag" }) };

export const SHOW: CommandSpec<typeof OPTIONS> = {
  command: "config show",
  summary: "every setting of a role, its value and where that comes from; takes the role's own options as well",
  options: OPTIONS,
  positionals: ["role"],
  examples: [
    "ztna config show serve",
    "ztna config show connect --config /etc/ztna/connector.json --json",
    "ZTNA_SERVE_PORT=4434 ztna config show serve --takeover deny",
  ],
};

export interface ShownSetting {
  /** The key of the file. */
  readonly name: string;
  /** As a file or a flag would have it; null when there is none. */
  readonly value: unknown;
  readonly source: Source;
  /** The flag, the variable or the file and its key; absent for a default. */
  readonly origin?: string;
}

export const run: Run = async (args, terminal) => {
  const [role, ...rest] = args;
  if (args.some((argument) => argument === "--help" || argument === "-h")) {
    terminal.out(commandHelp(SHOW));
    return EXIT.done;
  }
  const spec = await roleSpec(role, "config show");
  const settings = await readOptions({ ...spec, options: { ...spec.options, json: OPTIONS.json } }, rest, terminal);
  if (settings === undefined) return EXIT.done;
  const shown = shownSettings(spec, settings);
  if (settings.values.json === true) {
    const document = { schema_version: 1, role, file: settings.file ?? null, settings: shown };
    terminal.out(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    terminal.out(rows(shown));
  }
  return EXIT.done;
};

/** In the order of the declarations. What only a flag can say is about one call and no setting. */
export function shownSettings(
  spec: CommandSpec<OptionTable>,
  settings: Settings<OptionTable>,
): readonly ShownSetting[] {
  return Object.entries(spec.options).flatMap(([name, option]) => {
    const [key] = fileKeys(name, option, spec.file?.style ?? "snake_case");
    if (key === undefined) return [];
    const source = settings.source(name);
    const value = shownValue(option, settings.values[name]);
    return [{ name: key, value, source, ...(source === "default" ? {} : { origin: settings.origin(name) }) }];
  });
}

/** A key pasted in place of its file's name is a secret too. */
function shownValue({ kind, secret }: Option<unknown>, value: unknown): unknown {
  if (value === undefined) return null;
  const shown = kind.show === undefined ? value : kind.show(value);
  return secret === true || JSON.stringify(shown).includes("PRIVATE KEY") ? MASK : shown;
}

function rows(settings: readonly ShownSetting[]): string {
  const cells = settings.map(({ name, value, source, origin }) => ({
    name,
    value: value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value),
    source: origin === undefined ? source : `${source} ${origin}`,
  }));
  const width = (column: "name" | "value") =>
    Math.min(MAX_WIDTH, Math.max(...cells.map((cell) => cell[column].length)));
  const [names, values] = [width("name"), width("value")];
  return cells.map((cell) => `${cell.name.padEnd(names)}  ${cell.value.padEnd(values)}  ${cell.source}\n`).join("");
}

const MASK = "********";
const MAX_WIDTH = 40;
