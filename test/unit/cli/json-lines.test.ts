// Lines and mistakes of a JSON text, held to JSON.parse.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { jsonLines } from "../../../src/cli/json-lines.ts";

test("every key and every element of a printed value has the line that it stands on", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const text = JSON.stringify(JSON.parse(json), null, 1);
      const { lineOf, mistake, repeated } = jsonLines(text);
      expect([mistake, repeated]).toEqual([undefined, undefined]);
      const lines = text.split("\n");
      for (const [path, start] of places(JSON.parse(json))) {
        expect(lines[(lineOf(path) as number) - 1]?.trimStart()).toStartWith(start);
      }
    }),
  );
});

test("a text has a mistake exactly where JSON.parse refuses it", () => {
  const nearly = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", '"', "}", "x", "0", "\n", "\\"))
    .map(
      ([json, at, piece]) => json.slice(0, at % (json.length + 1)) + piece + json.slice((at % (json.length + 1)) + 1),
    );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string(), fc.json()), (text) => {
      expect(jsonLines(text).mistake === undefined).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
});

test("a mistake is placed at the first token that does not fit", () => {
  expect(jsonLines('{\n "a": 1,\n}').mistake).toEqual({ line: 3, column: 1 });
  expect(jsonLines('{\n "a": [1,\n  tru]}').mistake).toEqual({ line: 3, column: 3 });
  expect(jsonLines("").mistake).toEqual({ line: 1, column: 1 });
  expect(jsonLines("1 2").mistake).toEqual({ line: 1, column: 3 });
});

test("a key counts as given twice in one object only", () => {
  expect(jsonLines('{"a":{"b":1},"c":{"b":1}}').repeated).toBeUndefined();
  expect(jsonLines('{"a":1,\n"\\u0061":2}').repeated).toEqual({ key: "a", line: 2 });
});

test("a text that nests without end is refused, not a crash", () => {
  expect(jsonLines("[".repeat(100_000)).mistake).toBeDefined();
});

function* places(value: unknown, path: readonly PropertyKey[] = []): Generator<[readonly PropertyKey[], string]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    yield [at, Array.isArray(value) ? JSON.stringify(inner, null, 1).split("\n")[0]!.slice(0, 1) : JSON.stringify(key)];
    yield* places(inner, at);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
