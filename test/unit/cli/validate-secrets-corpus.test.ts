// Every secret of the corpus through the command: what is found, where, and with which status; and where openssl can
// judge the same values, it judges alike.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { FINDINGS, type FindingId, type FindingKind } from "../../../src/pki/finding-catalogue.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { type CorpusCase, corpusExpectation, corpusManifest, secretCorpus } from "../../support/secret-corpus.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const corpus = await secretCorpus();
const levelOf = (id: string) => (FINDINGS[id as FindingId] as FindingKind).level;

async function validate(one: CorpusCase): Promise<{ readonly status: number; readonly found: readonly string[] }> {
  using directory = temporaryDirectory();
  const manifest = directory.write("secret.yaml", corpusManifest(one));
  const expectation = directory.write("expected.json", corpusExpectation(one));
  const terminal = recordingTerminal();
  const args = ["validate-secrets", "--manifest", manifest, "--expect", expectation, "--json"];
  const status = await main(args, terminal);
  expect(terminal.stderr).toBe("");
  const { findings } = JSON.parse(terminal.stdout) as { findings: { id: string; line: number; file: string }[] };
  expect(findings.every(({ file }) => file === manifest)).toBe(true);
  return { status, found: findings.map(({ id, line }) => `${id}:${line}`) };
}

test("the corpus is large, good and bad, and every case has a name of its own", () => {
  expect(corpus.length).toBeGreaterThanOrEqual(80);
  expect(corpus.filter(({ expected }) => expected.length === 0).length).toBeGreaterThan(15);
  expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
});

describe("found, and with the right status", () => {
  test.each(corpus.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const { status, found } = await validate(one);
    expect(found.toSorted()).toEqual(one.expected.toSorted());
    expect(status).toBe(one.expected.some((place) => levelOf(place.split(":")[0] as string) === "fail") ? 1 : 0);
  });
});

describe("openssl agrees", () => {
  const judged = corpus.filter(({ crt, key, ca }) => [crt, key, ca].every(isTextual) && key !== undefined);
  test.each(judged.map((one) => [one.name, one] as const))("about %s", async (_, one) => {
    const found = one.expected.map((place) => place.split(":")[0] as string);
    if (found.includes("clock-margin")) return;
    const verdict = opensslVerdict(one);
    const ours = found.filter((id) => OPENSSL_KNOWS.has(id));
    if (ours.length > 0 && one.isStricter !== true) expect(verdict).not.toBe("good");
    if (verdict !== "good") expect(found.filter((id) => levelOf(id) === "fail")).not.toBeEmpty();
  });

  test("and is asked about most of the corpus", () => {
    expect(judged.length).toBeGreaterThan(50);
  });
});

/** "good", or the step that openssl refuses. */
function opensslVerdict({ crt, key, ca, role }: CorpusCase): string {
  using directory = temporaryDirectory();
  if (crt === undefined) return "certificate";
  const crtFile = directory.write("tls.crt", crt as string);
  const keyFile = directory.write("tls.key", key as string);
  const certificate = ask("x509", "-in", crtFile, "-noout", "-pubkey");
  if (certificate === undefined) return "certificate";
  const half = ask("pkey", "-in", keyFile, "-pubout", "-passin", "pass:");
  if (half === undefined) return "key";
  if (half !== certificate) return "match";
  if (ca === undefined) return "good";
  const anchors = directory.write("ca.crt", ca as string);
  const purpose = role === "relay" ? "sslserver" : "sslclient";
  const chain = ["verify", "-no-CApath", "-no-CAstore", "-CAfile", anchors, "-untrusted", crtFile];
  return ask(...chain, "-purpose", purpose, join(directory.path, "tls.crt")) === undefined ? "chain" : "good";
}

function ask(...args: readonly string[]): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(["openssl", ...args], { stdin: "ignore", stderr: "ignore" });
  return exitCode === 0 ? stdout.toString() : undefined;
}

function isTextual(value: CorpusCase["crt"]): boolean {
  return value === undefined || typeof value === "string";
}

/** What openssl looks at too; of names, strength and roles it knows nothing. */
const OPENSSL_KNOWS: ReadonlySet<string> = new Set([
  ...["key-mismatch", "swapped-halves", "bad-key", "encrypted-key", "expired", "not-yet-valid"],
  ...["chain-incomplete", "chain-invalid", "wrong-eku"],
]);
