// `ztna explain REASON`: what a reason code means, who decided and how to fix it.
import { EXIT, UsageError } from "./errors.ts";
import { hintFor } from "./nearest.ts";
import { choice } from "./option-kinds.ts";
import { type CommandSpec, flag, optional, readOptions } from "./options.ts";
import { allReasons, type Explained, explanationsOf, REASON_GROUPS } from "./reasons.ts";
import type { Run } from "./terminal.ts";

const OPTIONS = {
  reason: optional(
    { ...choice(...allReasons()), placeholder: "REASON", expected: "a reason code", parse: (text: string) => text },
    { help: "a code from a log, a metric, a close or an error; without one, all are listed", only: "flag" },
  ),
  json: flag("print JSON", { only: "flag" }),
};

export const EXPLAIN: CommandSpec<typeof OPTIONS> = {
  command: "explain",
  summary: "what a reason code means, who decided and how to fix it",
  options: OPTIONS,
  positionals: ["reason"],
  examples: ["ztna explain not-granted", "ztna explain", "ztna explain queue-full --json"],
};

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(EXPLAIN, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { reason, json } = settings.values;
  const wanted = reason === undefined ? allReasons() : [reason];
  const explained = wanted.map((code) => ({ reason: code, explanations: explanationsOf(code) }));
  if (reason !== undefined && explained[0]?.explanations.length === 0) {
    const hint = hintFor(reason, allReasons(), "ztna explain");
    throw new UsageError(`${JSON.stringify(reason)} is no reason code; ${hint}`);
  }
  if (json) terminal.out(`${JSON.stringify(documentOf(explained), null, 2)}\n`);
  else if (reason === undefined) terminal.out(REASON_GROUPS.map(listed).join("\n"));
  else terminal.out(explained.flatMap(({ explanations }) => explanations.map((one) => told(reason, one))).join("\n"));
  return EXIT.done;
};

interface Reason {
  readonly reason: string;
  readonly explanations: readonly Explained[];
}

function documentOf(reasons: readonly Reason[]) {
  return {
    schema_version: 1,
    reasons: reasons.map(({ reason, explanations }) => ({
      reason,
      explanations: explanations.map(({ decidedBy, ...rest }) => ({ ...rest, decided_by: decidedBy })),
    })),
  };
}

function told(reason: string, { where, seen, meaning, decidedBy, fix }: Explained): string {
  return `${reason} (${where}: ${seen})\n  meaning     ${meaning}\n  decided by  ${decidedBy}\n  fix         ${fix}\n`;
}

function listed({ name, reasons }: (typeof REASON_GROUPS)[number]): string {
  const rows = Object.entries(reasons).map(([reason, { meaning }]) => `  ${reason.padEnd(26)}  ${meaning}\n`);
  return `${name}:\n${rows.join("")}`;
}
