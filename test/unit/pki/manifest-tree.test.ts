// Text into documents with lines: splitting, positions, merge keys, limits; errors that quote nothing.
import { describe, expect, test } from "bun:test";
import { at, itemsAt, parseManifest, textAt, treeOf } from "../../../src/pki/manifest-tree.ts";

test("documents are found with the lines of their keys", () => {
  const { documents, faults } = parseManifest("a: 1\n---\n# words\nb:\n  c: x\n---\n- y\n");
  expect(faults).toEqual([]);
  expect(documents.map(({ kind, line }) => `${kind} ${line}`)).toEqual(["map 1", "map 4", "list 7"]);
  const second = documents[1];
  expect(second?.kind === "map" && second.entries.get("b")?.line).toBe(4);
  expect(at(second, "b")?.line).toBe(5);
  expect(textAt(second, "b", "c")).toBe("x");
  expect(textAt(second, "b")).toBeUndefined();
  expect(itemsAt(documents[2])).toHaveLength(1);
});

test("a line of dashes within a word or an indented one divides nothing", () => {
  const { documents } = parseManifest("a: |\n  ---\n  -----BEGIN X-----\nb: x---\n");
  expect(documents).toHaveLength(1);
  expect(textAt(documents[0], "a")).toBe("---\n-----BEGIN X-----\n");
});

test("what is written in the mapping wins over what is merged into it, wherever it stands", () => {
  const base = "base: &base {kind: Pod, type: x}\n";
  for (const text of [`${base}o:\n  <<: *base\n  kind: Secret\n`, `${base}o:\n  kind: Secret\n  <<: *base\n`]) {
    const [document] = parseManifest(text).documents;
    expect([textAt(document, "o", "kind"), textAt(document, "o", "type")]).toEqual(["Secret", "x"]);
  }
});

test("braces and quotes in JSON texts end nothing", () => {
  const { documents } = parseManifest('{"a":"}{\\"]"}\n\n{"a":"second"}');
  expect(documents.map((each) => textAt(each, "a"))).toEqual(['}{"]', "second"]);
  expect(at(documents[1], "a")?.line).toBe(3);
});

describe("faults", () => {
  test.each([
    ["x: [1", "bad-manifest", 1],
    ["a: 1\n---\nb: *gone", "bad-manifest", 3],
    ["a: 1\nb: 2\na: 3", "duplicate-key", 3],
    ["a: &a [*a]", "too-large", 1],
    [`${"- ".repeat(150)}x`, "too-large", 1],
    ["a: \ufffd", "bad-manifest", 1],
  ])("%j is %s in line %d", (text, id, line) => {
    expect(parseManifest(text).faults).toMatchObject([{ id, line }]);
  });

  test("a broken document does not hide the others", () => {
    const { documents, faults } = parseManifest("a: 1\n---\nb: [\n---\nc: 3\n");
    expect(documents).toHaveLength(2);
    expect(faults).toHaveLength(1);
  });

  test("a fault quotes nothing of the text", () => {
    for (const text of ["hush: [", "hush: *hush", "hush: 1\nhush: 2", "hush: @hush", "%hush\n--- {", "hush: 'hush"]) {
      const { faults } = parseManifest(text);
      expect(faults).not.toBeEmpty();
      expect(JSON.stringify(faults)).not.toContain("hush");
    }
  });
});

test("what a JSON parser made has no lines, and a limit of depth", () => {
  expect(treeOf({ a: [1, null] })).toMatchObject({ kind: "map", line: undefined });
  let deep: unknown = 1;
  for (let depth = 0; depth < 200; depth++) deep = [deep];
  expect(() => treeOf(deep)).toThrow("too deeply");
});
