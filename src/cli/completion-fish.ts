// The completion script for fish.
import type { Offer, Place } from "./completion-places.ts";

export function fishScript(places: readonly Place[]): string {
  return `# fish completion for ztna, made by: ztna completion fish

# Whether the command line so far leads to these words, then flags or values; with --first: and to nothing else.
function __ztna_at
    set -l first no
    if test "$argv[1]" = --first
        set first yes
        set -e argv[1]
    end
    set -l where
    set -l rest (commandline -opc)[2..]
    while set -q rest[1]
        switch "$where $rest[1]"
${places
  .filter(({ words }) => words.length > 0)
  .map(step)
  .join("\n")}
            case '*'
                break
        end
        set where "$where $rest[1]"
        set -e rest[1]
    end
    test "$where" = "$argv[1]"; or return 1
    test $first = no; or not set -q rest[1]
end

complete -c ztna -f
${places.flatMap(placeLines).join("\n")}
`;
}

function step({ words }: Place): string {
  const before = words.slice(0, -1).map((word) => ` ${word}`);
  return `            case '${before.join("")} ${words.at(-1)}'`;
}

function placeLines({ words, commands, flags, argument }: Place): readonly string[] {
  const where = words.map((word) => ` ${word}`).join("");
  const at = `complete -c ztna -n "__ztna_at '${where}'"`;
  const first = `complete -c ztna -n "__ztna_at --first '${where}'"`;
  return [
    ...commands.map(({ name, summary }) => `${first} -a ${name} -d ${quoted(summary)}`),
    ...(argument === undefined || argument === "anything" ? [] : [`${first} ${offer(argument).replace("-r ", "")}`]),
    ...flags.map(({ flag, help, value }) => {
      const taken = value === undefined ? "" : ` ${offer(value)}`;
      return `${at} -l ${flag.slice(2)} -d ${quoted(help)}${taken}`;
    }),
  ];
}

function offer(value: Offer): string {
  if (value === "files") return "-r -F";
  if (value === "directories") return "-r -f -a '(__fish_complete_directories)'";
  return value === "anything" ? "-r -f" : `-r -f -a '${value.join(" ")}'`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
