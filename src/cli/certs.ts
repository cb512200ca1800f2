// `ztna certs …`: picks the subcommand.
import { WriteFault } from "../pki/store.ts";
import { CommandError, EXIT, UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { Run, Terminal } from "./terminal.ts";

interface Subcommand {
  readonly summary: string;
  load(): Promise<{ readonly run: Run }>;
}

/** The order of the help text. */
const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  init: {
    summary: "make a certificate authority, or everything that a plan describes",
    load: () => import("./certs-init.ts"),
  },
  issue: { summary: "issue a server or client certificate", load: () => import("./certs-issue.ts") },
  show: { summary: "what a certificate says and allows", load: () => import("./certs-show.ts") },
  verify: { summary: "whether a certificate will work, and if not, why", load: () => import("./certs-verify.ts") },
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--help" || first === "-h") {
    terminal.out(help());
    return EXIT.done;
  }
  if (first === undefined) {
    terminal.err(help());
    return EXIT.usage;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, first) ? SUBCOMMANDS[first] : undefined;
  if (subcommand === undefined) {
    const near = nearest(first, [...Object.keys(SUBCOMMANDS), "--help"]);
    throw new UsageError(`unknown subcommand "${first}" of certs; did you mean "${near}"? See ztna certs --help.`);
  }
  try {
    return await (await subcommand.load()).run(rest, terminal);
  } catch (error) {
    if (error instanceof WriteFault) throw new CommandError(error.message);
    throw error;
  }
}

function help(): string {
  const lines = Object.entries(SUBCOMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`);
  return `ztna certs: make, issue and check certificates

Usage: ztna certs SUBCOMMAND [OPTIONS]

Subcommands:
${lines.join("\n")}

  -h, --help  this text; ztna certs SUBCOMMAND --help for a subcommand's options

Examples:
  ztna certs init
  ztna certs issue relay --server --host relay.example.org
  ztna certs issue connector --connector web
  ztna certs issue laptop --agent web
  ztna certs verify certs/laptop.crt --agent web
`;
}
