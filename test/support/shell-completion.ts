// Asks real shells what they would offer for a command line that ends where the cursor is.
import { runProcess } from "./process.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Calls the script's function as bash does on TAB, with the words that bash would make of the line. */
export async function bashOffers(script: string, line: string, cwd: string): Promise<readonly string[]> {
  const words = line.split(/(=)| +/).filter((word) => word !== undefined);
  const list = words.map((word) => `'${word}'`).join(" ");
  const command = `source '${script}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _ztna; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return offered(await runProcess(["bash", "--norc", "-c", command], { cwd }));
}

export async function fishOffers(script: string, line: string, cwd: string): Promise<readonly string[]> {
  const command = `source '${script}'; complete -C '${line}'`;
  using home = temporaryDirectory();
  const env = { HOME: home.path, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined };
  const result = offered(await runProcess(["fish", "--no-config", "-c", command], { cwd, env }));
  return result.map((row) => row.split("\t")[0] as string);
}

/** Types each line and TAB into one interactive zsh and returns what the lines have become. */
export async function zshCompletes(script: string, lines: readonly string[], cwd: string): Promise<readonly string[]> {
  const typed = lines.map(
    (line) => `zpty -w -n shell $'${line}\\t\\x18'\nzpty -r shell output '*<ztna*>*'\nprint -r -- "$output"`,
  );
  const show = `show() { print -r -- \\"<\\$BUFFER>\\"; BUFFER=; zle redisplay; }`;
  const program = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='READY>'; PROMPT_EOL_MARK=; unsetopt zle_bracketed_paste; cd '${cwd}'"
zpty -w shell "autoload -Uz compinit; compinit -u -D; source '${script}'; ${show}; zle -N show; bindkey '^X' show; print LOADED"
zpty -r shell output '*LOADED*LOADED*'
${typed.join("\n")}
zpty -d shell
`;
  const { stdout, stderr } = await runProcess(["zsh", "-f", "-c", program], { cwd, env: { HOME: cwd, TERM: "dumb" } });
  const results = [...stdout.matchAll(/<(ztna[^>]*)>/g)].map(([, line]) => line as string);
  if (results.length !== lines.length) throw new Error(`zsh showed ${results.length} lines: ${stdout}${stderr}`);
  return results;
}

function offered({ status, stdout, stderr }: Awaited<ReturnType<typeof runProcess>>): readonly string[] {
  if (status !== 0 || stderr !== "") throw new Error(`the shell failed with ${status}: ${stderr}`);
  return stdout.split("\n").filter((row) => row !== "");
}
