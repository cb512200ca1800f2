// Picks the command, loads its code only then (start-up time counts), and maps errors to exit codes.
import { version } from "../../package.json";
import { CredentialFault } from "../pki/credential-fault.ts";
import { COMMANDS, commandRows } from "./commands.ts";
import { CommandError, CredentialError, EXIT, UsageError } from "./errors.ts";
import { hintFor } from "./nearest.ts";
import { flushOutput, processTerminal, type Terminal } from "./terminal.ts";

/** Runs the program and returns its exit code. Never throws. */
export async function main(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const status = await outcome(argv, terminal);
  const lost = await flushOutput();
  if (lost === undefined || status !== EXIT.done) return status;
  terminal.err(`ztna: the output could not be written (${lost})\n`);
  await flushOutput();
  return EXIT.failed;
}

async function outcome(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    const known = asCommandError(error);
    if (known !== undefined) {
      terminal.err(`ztna: ${known.message}\n`);
      return known.exitCode;
    }
    terminal.err(`ztna: unexpected failure, please report it: ${describe(error)}\n`);
    return EXIT.failed;
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = argv;
  if (first === "--version" || first === "-V") {
    terminal.out(`ztna ${version}\n`);
    return EXIT.done;
  }
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) {
    terminal.out(help());
    return EXIT.done;
  }
  if (first === undefined) {
    terminal.err(help());
    return EXIT.usage;
  }
  if (first === "help") return dispatch([...rest, "--help"], terminal);
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (command === undefined) {
    const what = first.startsWith("-") ? "option" : "command";
    throw new UsageError(`unknown ${what} "${first}"; ${hintFor(first, candidates(what), "ztna --help")}`);
  }
  const { run } = await command.load();
  return run(rest, terminal);
}

function candidates(what: "option" | "command"): readonly string[] {
  return what === "command" ? Object.keys(COMMANDS) : ["--help", "--version"];
}

function help(): string {
  return `ztna ${version}: private services, reachable for named people and machines only

Usage: ztna COMMAND [OPTIONS]

Commands:
${commandRows(COMMANDS)}

Options:
  -h, --help     this text; ztna COMMAND --help for a command's options
  -V, --version  the version

Examples:
  ztna demo
  ztna certs init
  ztna serve --cert server.crt --key server.key --ca-cert ca.pem
  ztna connect --server relay.example.org:4433 --service web --forward 127.0.0.1:8080 \\
    --client-cert connector.crt --client-key connector.key --ca-cert ca.pem

Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 credentials, 5 unreachable, 6 refused by policy,
7 degraded, 130 interrupted.
`;
}

/** Errors that other folders throw for the operator to read. */
function asCommandError(error: unknown): CommandError | undefined {
  if (error instanceof CommandError) return error;
  if (error instanceof CredentialFault) return new CredentialError(error.message);
  // Known by its name: the class lives beside the library that could not be loaded.
  if (error instanceof Error && error.name === "NativeUnavailable") return new CommandError(error.message);
  return undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
