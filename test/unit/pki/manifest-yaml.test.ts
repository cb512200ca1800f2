// Plain words and numbers as kubectl reads them. kubectl itself is asked too, where there is one: it needs no cluster to
// annotate an object that it is given.
import { expect, test } from "bun:test";
import { at, parseManifest } from "../../../src/pki/manifest-tree.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const WORDS: readonly (readonly [string, unknown])[] = [
  ...["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"].map((word) => [word, false] as const),
  ...["yEs", "oN", "tRue", "oui", "yes!", "1:30", "2001-01-01", "=", "0x", "_1"].map((word) => [word, word] as const),
  ...["'yes'", '"off"', "!!str no", "'0777'"].map(
    (word) => [word, word.replace(/^!!str |['"]/g, "").replace(/'$/, "")] as const,
  ),
  ["~", null],
  ["Null", null],
  ["0777", 511],
  ["-0777", -511],
  ["0o17", 15],
  ["0x1F", 31],
  ["0b11", 3],
  ["-0b11", -3],
  ["1_000", 1000],
  ["+1", 1],
  ["08", 8],
  ["-.5", -0.5],
  ["1e3", 1000],
];
const MAP = WORDS.map(([word], index) => `  k${index}: ${word}\n`).join("");

test("words are booleans, numbers and texts as in YAML 1.1, where kubectl keeps to it", () => {
  const [document] = parseManifest(`data:\n${MAP}`).documents;
  const read = WORDS.map(([word], index) => {
    const found = at(document, "data", `k${index}`);
    return [word, found?.kind === "scalar" ? found.value : found];
  });
  expect(read).toEqual(WORDS.map((pair) => [...pair]));
});

testUnless(withoutProgram("kubectl"))("kubectl reads the same", () => {
  using directory = temporaryDirectory();
  const file = directory.write("map.yaml", `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata:\n${MAP}`);
  const command = ["kubectl", "annotate", "--local", "--filename", file, "a=b", "--output", "json"];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { env: { ...process.env, KUBECONFIG: "/dev/null" } });
  expect([exitCode, stderr.toString()]).toEqual([0, expect.any(String)]);
  const { data } = JSON.parse(stdout.toString());
  expect(WORDS.map(([word], index) => [word, data[`k${index}`] ?? null])).toEqual(WORDS.map((pair) => [...pair]));
});
