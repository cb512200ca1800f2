// Shows, option by option, that a flag beats a variable, a variable the file, and the file the default.
import { expect } from "bun:test";
import {
  type CommandSpec,
  fileKeys,
  flagName,
  type Option,
  type OptionTable,
  readOptions,
  variableName,
} from "../../src/cli/options.ts";
import { recordingTerminal } from "./recording-terminal.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Three texts for each kind of value, by what stands for it in the help; none of them is a default. */
const SAMPLES: Readonly<Record<string, readonly [string, string, string]>> = {
  PORT: ["1001", "1002", "1003"],
  N: ["5001", "5002", "5003"],
  DIR: ["a", "b", "c"],
  FILE: ["a.pem", "b.pem", "c.pem"],
  TIME: ["7s", "8s", "9s"],
  HOST: ["a.example.org", "b.example.org", "c.example.org"],
  "HOST[:PORT]": ["a.example.org:1", "b.example.org:2", "c.example.org:3"],
  "HOST:PORT": ["a.example.org:1", "b.example.org:2", "c.example.org:3"],
  "ADDRESS[:PORT]": ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"],
  IP: ["192.0.2.1", "192.0.2.2", "2001:db8::3"],
  IPV4: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
  ID: ["a", "b", "c"],
  "ID=VIRTUALIP": ["a=10.100.0.1", "b=10.100.0.2", "c=10.100.0.3"],
  "[ADDRESS:]PORT": ["1081", "127.0.0.2:1082", "[::1]:1083"],
  "[ADDRESS:]PORT=SERVICE[:PORT]": ["1=a", "127.0.0.2:2=b:3", "[::1]:4=c:5"],
  NAME: ["tun1", "tun2", "tun3"],
};

/** Options whose value can come from everywhere. */
export function everywhereOptions(spec: CommandSpec<OptionTable>): readonly string[] {
  return Object.entries(spec.options).flatMap(([name, { only }]) => (only === undefined ? [name] : []));
}

export async function expectPrecedence(spec: CommandSpec<OptionTable>, name: string): Promise<void> {
  const option = spec.options[name] as Option<unknown>;
  const [byFlag, byVariable, byFile] = samplesOf(option);
  const value = (text: string) => option.kind.parse(text);
  const flag =
    option.kind.placeholder === undefined
      ? [`--${byFlag === "true" ? "" : "no-"}${flagName(name)}`]
      : [`--${flagName(name)}`, byFlag];
  const variable = { [variableName(spec.command, name)]: byVariable };
  for (const key of fileKeys(name, option, spec.file?.style ?? "snake_case")) {
    using directory = temporaryDirectory();
    const path = directory.write("file.json", JSON.stringify(nested(key, inJson(byFile))));
    const read = async (args: readonly string[], environment: Readonly<Record<string, string>>) => {
      const settings = await readOptions(spec, [...args, "--config", path], recordingTerminal(environment));
      return settings?.values[name];
    };
    expect(await read([], {})).toEqual(value(byFile));
    expect(await read([], variable)).toEqual(value(byVariable));
    expect(await read(flag, variable)).toEqual(value(byFlag));
    expect(await read(flag, {})).toEqual(value(byFlag));
  }
  expect((await readOptions(spec, [], recordingTerminal()))?.values[name]).toEqual(option.default);
}

/** A switch has only two values: neighbours in precedence differ, and the file's is not the default. */
function samplesOf({ kind, default: preset }: Option<unknown>): readonly [string, string, string] {
  if (kind.placeholder === undefined) return preset === true ? ["false", "true", "false"] : ["true", "false", "true"];
  const words = kind.placeholder.split("|");
  if (words.length > 1) return [words[1]!, words.at(-1)!, words.find((word) => word !== preset)!];
  const samples = SAMPLES[kind.placeholder];
  if (samples === undefined) throw new Error(`no samples for ${kind.placeholder}`);
  return samples;
}

/** As the file would have it: a number or a switch is not a text. */
function inJson(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+$/.test(text) ? Number(text) : text;
}

function nested(key: string, value: unknown): object {
  const [first = "", ...rest] = key.split(".");
  return { [first]: rest.length === 0 ? value : nested(rest.join("."), value) };
}
