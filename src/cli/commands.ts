// Every command of the program as data: what it is for, how its code is loaded, where its options are declared.
import type { CommandSpec, OptionTable } from "./options.ts";
import type { Run } from "./terminal.ts";

/** Loaded only when the command runs: start-up time counts. */
export interface Command {
  readonly summary: string;
  load(): Promise<{ readonly run: Run }>;
  /** Its options, for what describes commands without running them; a group has none. */
  spec?(): Promise<CommandSpec<OptionTable>>;
  /** Commands whose options this one takes after the name of one of them. */
  borrows?(): Promise<Commands>;
  /** What a group of commands consists of. */
  parts?(): Promise<Commands>;
}

export type Commands = Readonly<Record<string, Command>>;

/** The order of the help text. */
export const COMMANDS: Commands = {
  demo: {
    summary: "a complete network on this machine, in seconds",
    load: () => import("./demo.ts"),
    spec: async () => (await import("./demo.ts")).DEMO,
  },
  serve: {
    summary: "the relay, on a public host",
    load: () => import("./serve.ts"),
    spec: async () => (await import("./serve-options.ts")).SERVE,
  },
  connect: {
    summary: "the connector, beside private services",
    load: () => import("./connect.ts"),
    spec: async () => (await import("./connect-options.ts")).CONNECT,
  },
  agent: {
    summary: "the user's side: makes services reachable on this host",
    load: () => import("./agent.ts"),
    spec: async () => (await import("./agent-options.ts")).AGENT,
  },
  "test-client": {
    summary: "a scripted agent for CI and scripts",
    load: () => import("./test-client.ts"),
    spec: async () => (await import("./test-client-options.ts")).TEST_CLIENT,
  },
  bench: {
    summary: "round trips and loss to a service, idle and under load",
    load: () => import("./bench.ts"),
    spec: async () => (await import("./bench-options.ts")).BENCH,
  },
  certs: {
    summary: "make, issue and check certificates",
    load: () => import("./certs.ts"),
    parts: async () => (await import("./certs.ts")).SUBCOMMANDS,
  },
  "validate-secrets": {
    summary: "check key material before it is deployed",
    load: () => import("./validate-secrets.ts"),
    spec: async () => (await import("./validate-secrets.ts")).VALIDATE_SECRETS,
  },
  config: {
    summary: "what the files of the roles may hold, and which settings are in force",
    load: () => import("./config.ts"),
    parts: async () => (await import("./config.ts")).SUBCOMMANDS,
  },
  status: {
    summary: "how the daemons on this host are: relay, services, drops, certificates",
    load: () => import("./status.ts"),
    spec: async () => (await import("./status.ts")).STATUS,
  },
  doctor: {
    summary: "checks this host, credential files and the way to the relay",
    load: () => import("./doctor.ts"),
    spec: async () => (await import("./doctor.ts")).DOCTOR,
  },
  explain: {
    summary: "what a reason code means and how to fix it",
    load: () => import("./explain.ts"),
    spec: async () => (await import("./explain.ts")).EXPLAIN,
  },
  completion: {
    summary: "makes the shell complete commands and options",
    load: () => import("./completion.ts"),
    spec: async () => (await import("./completion.ts")).COMPLETION,
  },
};

/** The specs of all commands, groups taken apart, in the order of the help text. */
export async function allSpecs(commands: Commands = COMMANDS): Promise<readonly CommandSpec<OptionTable>[]> {
  const specs: CommandSpec<OptionTable>[] = [];
  for (const command of Object.values(commands)) {
    if (command.spec !== undefined) specs.push(await command.spec());
    if (command.parts !== undefined) specs.push(...(await allSpecs(await command.parts())));
  }
  return specs;
}

/** The rows of a help text, one for each command. */
export function commandRows(commands: Commands): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return Object.entries(commands)
    .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
    .join("\n");
}
