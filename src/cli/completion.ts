// `ztna completion SHELL`: the script that makes a shell complete commands and options.
import { EXIT, UsageError } from "./errors.ts";
import { choice } from "./option-kinds.ts";
import { type CommandSpec, optional, readOptions } from "./options.ts";
import type { Run } from "./terminal.ts";

const OPTIONS = { shell: optional(choice("bash", "zsh", "fish"), { help: "whose script to print", only: "flag" }) };

export const COMPLETION: CommandSpec<typeof OPTIONS> = {
  command: "completion",
  summary: "prints the script that makes a shell complete commands and options",
  options: OPTIONS,
  positionals: ["shell"],
  examples: [
    "source <(ztna completion bash)                               # in ~/.bashrc",
    "ztna completion zsh > ~/.zsh/functions/_ztna                 # a directory of fpath",
    "ztna completion fish > ~/.config/fish/completions/ztna.fish",
  ],
};

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(COMPLETION, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { shell } = settings.values;
  if (shell === undefined) throw new UsageError(`completion needs a shell: ${OPTIONS.shell.kind.expected}`);
  const { COMMANDS } = await import("./commands.ts");
  const { completionPlaces } = await import("./completion-places.ts");
  const places = await completionPlaces(COMMANDS);
  terminal.out(await scriptOf(shell, places));
  return EXIT.done;
};

async function scriptOf(shell: "bash" | "zsh" | "fish", places: Parameters<Script>[0]): Promise<string> {
  switch (shell) {
    case "bash":
      return (await import("./completion-bash.ts")).bashScript(places);
    case "zsh":
      return (await import("./completion-zsh.ts")).zshScript(places);
    case "fish":
      return (await import("./completion-fish.ts")).fishScript(places);
  }
}

type Script = typeof import("./completion-bash.ts").bashScript;
