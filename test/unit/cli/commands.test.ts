// The table of commands: complete, described once, and equal to the reference that people read.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allSpecs, COMMANDS } from "../../../src/cli/commands.ts";
import { main } from "../../../src/cli/main.ts";
import { commandReference, REFERENCE } from "../../support/command-reference.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { ROOT, repositoryFiles } from "../../support/repository.ts";
import { packagesLoadedBy } from "../../support/static-imports.ts";

test("the command reference says what the declarations say", async () => {
  expect(readFileSync(join(ROOT, REFERENCE), "utf8")).toBe(await commandReference());
});

test("every declaration belongs to a command, whose help shows it", async () => {
  const specs = await allSpecs();
  expect(new Set(specs.map(({ command }) => command)).size).toBe(specs.length);
  for (const { command, summary } of specs) {
    const terminal = recordingTerminal();
    expect(await main([...command.split(" "), "--help"], terminal)).toBe(0);
    expect(terminal.stdout + terminal.stderr).toStartWith(`ztna ${command}: ${summary}`);
  }
});

test("no command that reads options is without its declaration in the table", async () => {
  const folder = join(ROOT, "src/cli");
  const reading = readdirSync(folder).filter((name) =>
    /(?:export (?:const|async function) run)[\s\S]*readOptions\(/.test(readFileSync(join(folder, name), "utf8")),
  );
  const declared = (await allSpecs()).map(({ command }) => `${command.replaceAll(" ", "-")}.ts`);
  expect(declared.toSorted()).toEqual(reading.toSorted());
});

test("a command has options or subcommands, never neither", () => {
  for (const { spec, parts } of Object.values(COMMANDS))
    expect((spec === undefined) !== (parts === undefined)).toBe(true);
});

test("no library is loaded before a command is picked, and then only what it needs", () => {
  const files = repositoryFiles();
  expect(packagesLoadedBy("bin/ztna.ts", files)).toEqual([]);
  expect(packagesLoadedBy("src/cli/certs-issue.ts", files)).toContain("node-forge");
  const table = readFileSync(join(ROOT, "src/cli/commands.ts"), "utf8");
  const modules = [...table.matchAll(/load: \(\) => import\("\.\/([a-z-]+\.ts)"\)/g)].map(([, name]) => name as string);
  expect(modules.length).toBe(Object.keys(COMMANDS).length);
  for (const name of modules) {
    const own = name === "validate-secrets.ts" ? ["commander", "node-forge"] : ["commander"];
    const others = packagesLoadedBy(`src/cli/${name}`, files).filter((loaded) => !own.includes(loaded));
    expect({ name, others }).toEqual({ name, others: [] });
  }
});

test("a daemon without a file runs without the library that checks files", () => {
  const files = repositoryFiles();
  for (const role of ["serve", "connect", "agent"]) {
    const loaded = packagesLoadedBy(`src/cli/${role}-daemon.ts`, files);
    expect({ role, runs: loaded.includes("prom-client"), checks: loaded.includes("zod") }).toEqual({
      ...{ role, runs: true, checks: false },
    });
  }
});
