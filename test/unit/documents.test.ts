// What the documents say, held to the code: files exist, commands and dependencies are the real ones, named tests are there.
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import packageJson from "../../package.json";
import { allSpecs } from "../../src/cli/commands.ts";
import { flagName, variableName } from "../../src/cli/options.ts";
import { ROOT, repositoryFiles } from "../support/repository.ts";

const files = repositoryFiles();
const documents = files.filter(({ path }) => path.endsWith(".md"));
const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? "";

describe("a document names only what is there", () => {
  test.each(documents.map(({ path }) => path))("%s: every file that it mentions", (path) => {
    expect(missingFiles(path, textOf(path))).toEqual([]);
  });

  test("a file that has gone would be noticed", () => {
    expect(missingFiles("src/README.md", "`relay/relay.ts` [x](../LICENSE) https://a.example/b.ts")).toEqual([]);
    expect(missingFiles("src/README.md", "`relay/gone.ts` and [x](../GONE.md)")).toEqual([
      "relay/gone.ts",
      "../GONE.md",
    ]);
  });
});

describe("README.md", () => {
  const readme = textOf("README.md");

  test("lists every command of the program and no other", () => {
    const listed = [...readme.matchAll(/^\| `ztna ([a-z-]+)[^|]*\|/gm)].map((match) => match[1]);
    const real = [...textOf("src/cli/commands.ts").matchAll(/load: \(\) => import\("\.\/([a-z-]+)\.ts"\)/g)].map(
      (match) => match[1],
    );
    expect(real.length).toBeGreaterThan(3);
    expect(listed.toSorted()).toEqual(real.toSorted());
  });

  test("lists every dependency with its exact version", () => {
    const listed = [...readme.matchAll(/^\| `(@?[a-z0-9/-]+)` \| (\d[\w.-]*) \|/gm)].map(([, name, version]) => [
      name,
      version,
    ]);
    const real = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies });
    expect(listed.toSorted()).toEqual(real.toSorted());
  });

  test("names the pinned bun and scripts that exist", () => {
    const commands = [...readme.matchAll(/npx -y (\S+) run ([a-z:0-9]+)/g)];
    expect(commands.map((match) => match[2])).toEqual(expect.arrayContaining(["demo", "test"]));
    for (const [, bun, script] of commands) {
      expect(bun).toBe(packageJson.packageManager);
      expect(packageJson.scripts).toHaveProperty(script as string);
    }
  });
});

describe("options", () => {
  let variables: ReadonlySet<string>;
  let flags: ReadonlySet<string>;
  beforeAll(async () => {
    const declared = (await allSpecs()).flatMap(({ command, options }) =>
      Object.entries(options).map(([name, { aliases = [] }]) => ({ command, name, aliases })),
    );
    variables = new Set(declared.map(({ command, name }) => variableName(command, name)));
    flags = new Set(declared.flatMap(({ name, aliases }) => [flagName(name), ...aliases]));
  });

  test(".env.example and every document name only variables that exist", () => {
    const mentioned = [...documents, { path: ".env.example", text: textOf(".env.example") }].flatMap(({ path, text }) =>
      [...text.matchAll(/\bZTNA_(?:SERVE|CONNECT|TEST_CLIENT)_[A-Z_]+\b/g)].map(([variable]) => ({ path, variable })),
    );
    expect(mentioned.length).toBeGreaterThan(8);
    expect(mentioned.filter(({ variable }) => !variables.has(variable))).toEqual([]);
  });

  test("README.md and the documents of src/ name only flags that exist", () => {
    const others = ["help", "version", "compile", "socks5-hostname"];
    const placeholders = ["no-x", "max-"];
    const known = new Set([...flags, ...others, ...placeholders]);
    const mentioned = documents
      .filter(({ path }) => path === "README.md" || path.startsWith("src/") || path === "SECURITY.md")
      .flatMap(({ path, text }) =>
        [...text.matchAll(/(?<![\w-])--(?:no-)?([a-z][a-z0-9-]+)/g)].map(([, flag]) => ({ path, flag })),
      );
    expect(mentioned.length).toBeGreaterThan(20);
    expect(mentioned.filter(({ flag }) => !known.has(flag as string))).toEqual([]);
  });
});

describe("SECURITY.md", () => {
  test("every claim of the threat table names a test that exists", () => {
    const claims = [...textOf("SECURITY.md").matchAll(/`(test\/[\w./-]+\.test\.ts)` "([^"]+)"/g)];
    expect(claims.length).toBeGreaterThan(20);
    const missing = claims.filter(([, path, name]) => !testNames(textOf(path as string)).includes(name as string));
    expect(missing.map(([, path, name]) => `${path}: ${name}`)).toEqual([]);
  });

  test("no row of the threat table is without a test", () => {
    const table = /## Threats[\s\S]*?\n\n(\|[\s\S]*?)\n\n/.exec(textOf("SECURITY.md"))?.[1]?.split("\n").slice(2) ?? [];
    expect(table.length).toBeGreaterThan(10);
    expect(table.filter((row) => !/`test\/[\w./-]+\.test\.ts` "/.test(row))).toEqual([]);
  });
});

/** Paths in backticks or links, relative to the document, to src/ or to the root. A bare name.json is an operator's file. */
function missingFiles(document: string, text: string): string[] {
  const inBackticks = [...text.matchAll(/`([\w.@-]+(?:\/[\w.@-]+)*\.(?:ts|md|toml))`/g)].map(
    (match) => match[1] as string,
  );
  const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] as string);
  const bases = [posix.dirname(document), "src", "."];
  return [...inBackticks, ...linked].filter((path) => !bases.some((base) => existsSync(join(ROOT, base, path))));
}

/** What varies in a name – `${kind}`, `%s` – is "…" in a document. */
function testNames(source: string): string[] {
  const declarations =
    /(?<=[\s)])(?:test(?:\.each\([\s\S]*?\))?|testUnless\([^)]*\)|(?:needs|when|with)[A-Z]\w*)\(\s*(["'`])((?:(?!\1).)*)\1/g;
  return [...source.matchAll(declarations)].map(([, , name]) => (name as string).replace(/\$\{[^}]*\}|%[sdj]/g, "…"));
}
