// The completion script for zsh: a file for a directory of fpath, which may also be sourced after compinit.
import type { Offer, OfferedFlag, Place } from "./completion-places.ts";

export function zshScript(places: readonly Place[]): string {
  return `#compdef ztna
# zsh completion for ztna, made by: ztna completion zsh

_ztna() {
  local where= previous=$words[CURRENT-1] at
  local -a offered
  if [[ $PREFIX == --*=* ]]; then
    previous=\${PREFIX%%=*}
    compset -P '*='
  fi
  for ((at = 2; at < CURRENT; at++)); do
    case "$where $words[at]" in
${places
  .filter(({ words }) => words.length > 0)
  .map(step)
  .join("\n")}
      (*) break ;;
    esac
  done
  case "$where" in
${places.map(placeCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _ztna ]]; then _ztna "$@"; else compdef _ztna ztna; fi
`;
}

function step({ words }: Place): string {
  const before = words.slice(0, -1).map((word) => ` ${word}`);
  return `      ('${before.join("")} ${words.at(-1)}') where+=' ${words.at(-1)}' ;;`;
}

function placeCase({ words, commands, flags, argument }: Place): string {
  const lines = [`    ('${words.map((word) => ` ${word}`).join("")}')`, ...valueCases(flags)];
  if (argument !== undefined) {
    lines.push(`      if (( at == CURRENT )) && [[ $PREFIX != -* ]]; then ${offer(argument)}; return; fi`);
  }
  if (commands.length > 0) {
    const rows = commands.map(({ name, summary }) => row(name, summary));
    lines.push(`      offered=(${rows.join(" ")})`, "      _describe -t commands command offered");
  }
  lines.push(`      offered=(${flags.map(({ flag, help }) => row(flag, help)).join(" ")})`);
  lines.push("      _describe -o -t options option offered", "      ;;");
  return lines.join("\n");
}

function valueCases(flags: readonly OfferedFlag[]): readonly string[] {
  const cases = flags.flatMap(({ flag, value }) =>
    value === undefined ? [] : [`        (${flag}) ${offer(value)}; return ;;`],
  );
  return cases.length === 0 ? [] : ['      case "$previous" in', ...cases, "      esac"];
}

function offer(value: Offer): string {
  if (value === "files") return "_files";
  if (value === "directories") return "_files -/";
  return value === "anything" ? "_message value" : `compadd -- ${value.join(" ")}`;
}

/** A word and what it means, in zsh's own quoting. */
function row(word: string, meaning: string): string {
  return `'${word.replaceAll(":", "\\:")}:${meaning.replaceAll("'", "'\\''")}'`;
}
