// The completion scripts, run by the shells that they are for.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { bashScript } from "../../../src/cli/completion-bash.ts";
import { fishScript } from "../../../src/cli/completion-fish.ts";
import { completionPlaces, type Place } from "../../../src/cli/completion-places.ts";
import { zshScript } from "../../../src/cli/completion-zsh.ts";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { bashOffers, fishOffers, zshCompletes } from "../../support/shell-completion.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const directory = temporaryDirectory();
const scripts = { bash: "", zsh: "", fish: "" };
let places: readonly Place[];
beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const terminal = recordingTerminal();
    expect(await main(["completion", shell], terminal)).toBe(0);
    scripts[shell] = directory.write(`ztna.${shell}`, terminal.stdout);
  }
  directory.write("server.crt", "");
  directory.write("certs/ca.pem", "");
  places = await completionPlaces(COMMANDS);
});
afterAll(() => directory[Symbol.dispose]());

const place = (...words: string[]) => places.find((one) => one.words.join(" ") === words.join(" ")) as Place;

test("every option of --help is offered, a switch that is on as its no- flag", async () => {
  for (const { words } of places.filter(({ commands, words }) => commands.length === 0 && words.length < 3)) {
    const terminal = recordingTerminal();
    await main([...words, "--help"], terminal);
    const shown = [...(terminal.stdout + terminal.stderr).matchAll(/^ {2}(--[a-z0-9-]+)/gm)].map(([, flag]) => flag);
    const offered = place(...words).flags.map(({ flag }) => flag);
    expect(offered).toContain("--help");
    const byPlace = shown.filter((flag) => !offered.includes(flag as string));
    expect(byPlace).toEqual(byPlace.filter((flag) => ["--shell", "--role", "--reason"].includes(flag as string)));
    expect(shown.length).toBeGreaterThan(0);
  }
});

test("a shell that is not known is a usage error", async () => {
  const terminal = recordingTerminal();
  expect(await main(["completion", "tcsh"], terminal)).toBe(2);
  expect(terminal.stderr).toContain("one of bash, zsh, fish");
  expect(await main(["completion"], recordingTerminal())).toBe(2);
});

test("quotes, colons and dollar signs in a help text do no harm", async () => {
  const help = 'it\'s 50% of $HOME: `x` \\ "y"';
  const odd: readonly Place[] = [
    { words: [], commands: [{ name: "serve", summary: help }], flags: [], argument: undefined },
    { words: ["serve"], commands: [], flags: [{ flag: "--x", help, value: undefined }], argument: undefined },
  ];
  const bash = directory.write("odd.bash", bashScript(odd));
  expect(await bashOffers(bash, "ztna serve -", directory.path)).toEqual(["--x"]);
  if (withoutProgram("fish") === undefined) {
    const fish = directory.write("odd.fish", fishScript(odd));
    expect(await fishOffers(fish, "ztna serve --", directory.path)).toEqual(["--x"]);
  }
  if (withoutProgram("zsh") === undefined) {
    const zsh = directory.write("odd.zsh", zshScript(odd));
    expect(await zshCompletes(zsh, ["ztna serve -"], directory.path)).toEqual(["ztna serve --x "]);
  }
});

describe("bash", () => {
  const needsBash = testUnless(withoutProgram("bash"));
  const offers = (line: string) => bashOffers(scripts.bash, line, directory.path);

  needsBash("offers commands, then their subcommands, then options", async () => {
    expect(await offers("ztna ")).toEqual([...Object.keys(COMMANDS), "--help", "--version"]);
    expect(await offers("ztna se")).toEqual(["serve"]);
    expect(await offers("ztna certs i")).toEqual(["init", "issue"]);
    expect(await offers("ztna serve --max-conn")).toEqual([
      "--max-connections",
      "--max-connections-per-prefix",
      "--max-connectors-per-service",
    ]);
    expect(await offers("ztna connect --no-v")).toEqual(["--no-verify-peer"]);
    expect(await offers("ztna serve --port 1 --key a.key --disable")).toEqual(["--disable-retry"]);
  });

  needsBash("offers the values of an option, also behind an equals sign", async () => {
    expect(await offers("ztna serve --takeover ")).toEqual(["pool", "replace", "deny"]);
    expect(await offers("ztna serve --takeover=re")).toEqual(["replace"]);
    expect(await offers("ztna serve --cert ser")).toEqual(["server.crt"]);
    expect(await offers("ztna serve --cert=")).toContain("server.crt");
    expect(await offers("ztna certs init --dir ")).toEqual(["certs"]);
    expect(await offers("ztna serve --port ")).toEqual([]);
  });

  needsBash("offers what an argument can be, and options once one is begun", async () => {
    expect(await offers("ztna completion ")).toEqual(["bash", "zsh", "fish"]);
    expect(await offers("ztna config show c")).toEqual(["connect"]);
    expect(await offers("ztna config show serve --takeover d")).toEqual(["deny"]);
    expect(await offers("ztna config show serve --js")).toEqual(["--json"]);
    expect(await offers("ztna certs show s")).toEqual(["server.crt"]);
    expect(await offers("ztna certs show --j")).toEqual(["--json"]);
    expect(await offers("ztna certs show server.crt ")).toContain("--json");
  });

  needsBash("is not confused by words that look like commands later on", async () => {
    expect(await offers("ztna certs issue serve --conn")).toEqual(["--connector"]);
    expect(await offers("ztna nonsense serve --")).not.toContain("--takeover");
  });
});

describe("fish", () => {
  const needsFish = testUnless(withoutProgram("fish"));
  const offers = (line: string) => fishOffers(scripts.fish, line, directory.path);

  needsFish("offers commands, subcommands, options, values and arguments", async () => {
    expect((await offers("ztna ")).toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
    expect(await offers("ztna certs i")).toEqual(["init", "issue"]);
    expect(await offers("ztna serve --disable")).toEqual(["--disable-retry"]);
    expect(await offers("ztna connect --port")).toEqual([]);
    expect(await offers("ztna serve --takeover re")).toEqual(["replace"]);
    expect(await offers("ztna serve --cert ser")).toEqual(["server.crt"]);
    expect(await offers("ztna certs init --dir ")).toEqual(["certs/"]);
    expect(await offers("ztna completion z")).toEqual(["zsh"]);
    expect(await offers("ztna certs show ser")).toEqual(["server.crt"]);
    expect(await offers("ztna serve --port 1 dem")).toEqual([]);
    expect(await offers("ztna nonsense dem")).toEqual([]);
    expect(await offers("ztna config show serve --takeover d")).toEqual(["deny"]);
    expect(await offers("ztna completion bash z")).toEqual([]);
  });
});

describe("zsh", () => {
  const needsZsh = testUnless(withoutProgram("zsh"));

  needsZsh(
    "completes commands, subcommands, options, values and arguments",
    async () => {
      const lines = {
        "ztna se": "ztna serve ",
        "ztna certs iss": "ztna certs issue ",
        "ztna serve --disable": "ztna serve --disable-retry ",
        "ztna serve --takeover re": "ztna serve --takeover replace ",
        "ztna serve --takeover=re": "ztna serve --takeover=replace ",
        "ztna serve --cert ser": "ztna serve --cert server.crt ",
        "ztna certs init --dir ce": "ztna certs init --dir certs/",
        "ztna completion z": "ztna completion zsh ",
        "ztna certs show ser": "ztna certs show server.crt ",
      };
      const completed = await zshCompletes(scripts.zsh, Object.keys(lines), directory.path);
      expect(completed).toEqual(Object.values(lines));
    },
    30_000,
  );
});
