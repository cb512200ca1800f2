// The completion script for bash. It needs bash 4 and nothing else.
import type { Offer, OfferedFlag, Place } from "./completion-places.ts";

export function bashScript(places: readonly Place[]): string {
  return `# bash completion for ztna, made by: ztna completion bash

_ztna_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_ztna_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_ztna_directories() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); }

_ztna() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" where="" at
  COMPREPLY=()
  # bash takes --flag=value apart at the sign.
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $previous == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$where \${COMP_WORDS[at]}" in
${places
  .filter(({ words }) => words.length > 0)
  .map(step)
  .join("\n")}
      *) break ;;
    esac
  done
  case "$where" in
${places.map(placeCase).join("\n")}
  esac
}

complete -F _ztna ztna
`;
}

function step({ words }: Place): string {
  const before = words.slice(0, -1).map((word) => ` ${word}`);
  return `      "${before.join("")} ${words.at(-1)}") where+=" ${words.at(-1)}" ;;`;
}

function placeCase({ words, commands, flags, argument }: Place): string {
  const next = [...commands.map(({ name }) => name), ...flags.map(({ flag }) => flag)].join(" ");
  const lines = [`    "${words.map((word) => ` ${word}`).join("")}")`, ...valueCases(flags)];
  if (argument !== undefined) {
    lines.push(`      if ((at == COMP_CWORD)) && [[ $cur != -* ]]; then ${offer(argument)}; return; fi`);
  }
  lines.push(`      _ztna_words "${next}"`, "      ;;");
  return lines.join("\n");
}

/** After a flag that takes a value comes the value and nothing else. */
function valueCases(flags: readonly OfferedFlag[]): readonly string[] {
  const byOffer = new Map<string, string[]>();
  for (const { flag, value } of flags) {
    if (value === undefined) continue;
    const what = offer(value);
    byOffer.set(what, [...(byOffer.get(what) ?? []), flag]);
  }
  if (byOffer.size === 0) return [];
  const cases = [...byOffer].map(([what, names]) => `        ${names.join("|")}) ${what}; return ;;`);
  return ['      case "$previous" in', ...cases, "      esac"];
}

function offer(value: Offer): string {
  if (value === "files") return "_ztna_files";
  if (value === "directories") return "_ztna_directories";
  return value === "anything" ? ":" : `_ztna_words "${value.join(" ")}"`;
}
