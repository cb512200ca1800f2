// `ztna status`: what the daemons of this user say about themselves.
import { CONTROL_OPTION, controlDirectory } from "./control-directory.ts";
import { CommandError, EXIT, type ExitCode } from "./errors.ts";
import { type CommandSpec, flag, readOptions, warn } from "./options.ts";
import type { StatusDocument } from "./status-document.ts";
import type { Run } from "./terminal.ts";

const OPTIONS = { ...CONTROL_OPTION, json: flag("print JSON") };

export const STATUS: CommandSpec<typeof OPTIONS> = {
  command: "status",
  summary: "how the daemons on this host are: relay, services, drops, certificates",
  options: OPTIONS,
  examples: ["sudo ztna status", "ztna status --json"],
};

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(STATUS, args, terminal);
  if (settings === undefined) return EXIT.done;
  const directory = controlDirectory(settings.values.controlDir, terminal);
  const { found, silent } = await documents(directory);
  for (const path of silent) warn(terminal, `${path} tells nothing: its daemon hangs, or is of another version`);
  if (settings.values.json) terminal.out(`${JSON.stringify({ schema_version: 1, daemons: found }, null, 2)}\n`);
  else {
    const { statusText } = await import("./status-text.ts");
    terminal.out(found.map(statusText).join("\n"));
  }
  if (found.length + silent.length === 0)
    throw new CommandError(`no daemon of this user runs here (looked in ${directory})`);
  return silent.length > 0 ? EXIT.degraded : exitCodeOf(found);
};

interface Documents {
  /** In the order of their start, as far as numbers of processes tell it. */
  readonly found: readonly StatusDocument[];
  /** Sockets of those that do not answer as they should. */
  readonly silent: readonly string[];
}

async function documents(directory: string): Promise<Documents> {
  const { readControlSockets } = await import("../runtime/control-socket.ts");
  const { parseStatus } = await import("./status-document.ts");
  const sockets = await readControlSockets(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "EACCES") throw new CommandError(`${directory} belongs to somebody else: try sudo ztna status`);
    throw new CommandError(`${directory} cannot be read: ${error.message}`);
  });
  const found: StatusDocument[] = [];
  const silent: string[] = [];
  for (const { path, document, dead } of sockets) {
    const status = document === undefined ? undefined : parseStatus(document);
    if (status !== undefined) found.push(status);
    else if (!dead) silent.push(path);
  }
  return { found: found.sort((a, b) => a.pid - b.pid), silent };
}

/** 7 when one of them is not ready. */
function exitCodeOf(found: readonly StatusDocument[]): ExitCode {
  return found.some(({ not_ready: notReady }) => notReady !== null) ? EXIT.degraded : EXIT.done;
}
