// The suggestion made for a misspelt word.
import { expect, test } from "bun:test";
import { nearest } from "../../../src/cli/nearest.ts";

test("a swapped, a missing and a wrong letter still find their word", () => {
  const words = ["--port", "--bind", "--metrics-port", "--metrics-bind"];
  expect(nearest("--prot", words)).toBe("--port");
  expect(nearest("--metric-port", words)).toBe("--metrics-port");
  expect(nearest("--binf", words)).toBe("--bind");
});

test("a word that is like none of them gets no suggestion", () => {
  const words = ["--port", "--bind"];
  for (const word of ["--frobnicate", "--x-y-z-w", "certificates", ""]) expect(nearest(word, words)).toBeUndefined();
});

test("of equally near words the first one is named, and without words none", () => {
  expect(nearest("c", ["a", "b"])).toBe("a");
  expect(nearest("c", [])).toBeUndefined();
});

test("a word of a megabyte costs no more than a long word", () => {
  const started = performance.now();
  expect(nearest("x".repeat(1 << 20), ["--port"])).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(100);
});
