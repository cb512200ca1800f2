// The layout of the code, checked: who imports whom, what pure means, names, sizes. Every rule is shown to be able to fail.
import { describe, expect, test } from "bun:test";
import * as architecture from "../support/architecture-rules.ts";
import { LAYOUT_FIXTURES } from "../support/layout-fixtures.ts";
import { repositoryFiles } from "../support/repository.ts";
import { codeOf, importsOf } from "../support/source-text.ts";
import * as style from "../support/style-rules.ts";
import { lengthPercentile, orphanedTests, strayTopLevel, untested } from "../support/tree-rules.ts";

const files = repositoryFiles();
const { layering, thinEntry, purity, environment, importStyle } = architecture;
const { fileSize, fileName, header, vocabulary, finished } = style;
const RULES = {
  layering,
  thinEntry,
  purity,
  environment,
  importStyle,
  fileSize,
  fileName,
  header,
  vocabulary,
  finished,
};

describe("every file keeps the rule", () => {
  test.each(Object.entries(RULES))("%s", (_name, rule) => {
    const faults = files.flatMap((file) => rule(file).map((fault) => `${file.path}: ${fault}`));
    expect(faults).toEqual([]);
  });

  test("there are files to check in every folder of the tree", () => {
    const folders = new Set(files.map(({ path }) => architecture.folderOf(path)));
    for (const folder of [
      "core",
      "wire",
      "identity",
      "tunnel",
      "relay",
      "connector",
      "agent",
      "quic",
      "runtime",
      "cli",
    ]) {
      expect(folders).toContain(folder);
    }
  });
});

describe("the tree as a whole", () => {
  test("the top level holds nothing that no tool insists on", () => {
    expect(strayTopLevel(files.map(({ path }) => path))).toEqual([]);
    expect(strayTopLevel(["README.md", "src/a.ts", "notes.md", "docs/x.md"])).toEqual(["notes.md", "docs"]);
  });

  test("each source file is named by a test", () => {
    expect(untested(files)).toEqual([]);
  });

  test("each unit test mirrors a source file", () => {
    expect(orphanedTests(files)).toEqual([]);
    expect(orphanedTests([{ path: "test/unit/wire/gone.test.ts", text: "" }])).toHaveLength(1);
  });

  test("files stay small: half of them have at most 100 lines, nine in ten at most 220", () => {
    expect(lengthPercentile(files, 0.5)).toBeLessThanOrEqual(100);
    expect(lengthPercentile(files, 0.9)).toBeLessThanOrEqual(220);
  });

  test("a pure file without its mirror and a shell file that no test reaches are both noticed", () => {
    const pure = { path: "src/wire/new.ts", text: "export function parse() {}" };
    const shell = { path: "src/runtime/new.ts", text: "export class New {}" };
    const types = { path: "src/wire/shape.ts", text: "export type Shape = 1;\nexport const LIMIT = 3;" };
    expect(untested([pure, shell, types])).toHaveLength(2);
    const mirror = { path: "test/unit/wire/new.test.ts", text: "" };
    const importer = { path: "test/quic/any.test.ts", text: 'import { New } from "../../src/runtime/new.ts";' };
    expect(untested([pure, shell, types, mirror, importer])).toEqual([]);
  });
});

describe("each rule can fail", () => {
  for (const [name, path, bad, good] of LAYOUT_FIXTURES) {
    test(`${name}, in ${path}: ${JSON.stringify(bad.slice(0, 60))}`, () => {
      const rule = RULES[name as keyof typeof RULES];
      expect(rule({ path, text: bad })).not.toEqual([]);
      if (good !== undefined) expect(rule({ path, text: good })).toEqual([]);
    });
  }

  test("every rule has a fixture", () => {
    const covered = new Set(LAYOUT_FIXTURES.map(([name]) => name));
    expect(Object.keys(RULES).filter((name) => !covered.has(name))).toEqual([]);
  });
});

describe("reading source text", () => {
  test("comments, strings, templates and regular expressions are no code", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    const source = "a(`x ${b(`y ${c} z`)} w`, /q[/\"]r/g, 'it\\'s', 4 / d / 2); // e\n/* f */ g";
    expect(codeOf(source)).toHaveLength(source.length);
    expect(codeOf(source).match(/\w+/g)).toEqual(["a", "b", "c", "g", "4", "d", "2", "g"]);
  });

  test("finds every import that Bun's own parser finds, in all files", () => {
    const parser = new Bun.Transpiler({ loader: "ts" });
    for (const { path, text } of files.filter((file) => file.path.endsWith(".ts"))) {
      const ours = importsOf(text).map(({ specifier }) => specifier);
      const theirs = parser.scanImports(text.replace(/^#!.*/, "")).map((found) => found.path);
      expect({ path, missed: theirs.filter((specifier) => !ours.includes(specifier)) }).toEqual({ path, missed: [] });
    }
  });

  test("tells type imports, re-exports and dynamic imports apart", () => {
    const source = [
      'import type { A } from "./a.ts";',
      'import b, { type B } from "./b.ts";',
      'export { c } from "./c.ts";',
      'const d = await import("./d.ts");',
      'const e = require("./e.ts");',
      'import "./f.ts";',
    ].join("\n");
    const kinds = Object.fromEntries(importsOf(source).map(({ specifier, kind }) => [specifier[2], kind]));
    expect(kinds).toEqual({ a: "type", b: "value", c: "export", d: "dynamic", e: "require", f: "value" });
  });
});
