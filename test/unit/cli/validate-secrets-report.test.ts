// How findings are told: lines, JSON, SARIF, JUnit and GitHub annotations; always in the same order; statuses.
import { describe, expect, test } from "bun:test";
import sarifSchema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json";
import { main } from "../../../src/cli/main.ts";
import type { Examination } from "../../../src/cli/validate-secrets-examination.ts";
import { exitCodeOf } from "../../../src/cli/validate-secrets-examination.ts";
import { printReport, type ReportFormat } from "../../../src/cli/validate-secrets-report.ts";
import { FINDINGS } from "../../../src/pki/finding-catalogue.ts";
import { type Finding, inOrder } from "../../../src/pki/findings.ts";
import { schemaFaults } from "../../support/json-schema.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const FOUND: readonly Finding[] = [
  {
    id: "key-mismatch",
    place: { file: "a b/x%y.yaml", line: 9 },
    secret: "ztna/relay",
    key: "tls.key",
    detail: "is not it, <&>",
  },
  {
    id: "expires-soon",
    place: { file: "a b/x%y.yaml", line: 8 },
    secret: "ztna/relay",
    key: "tls.crt",
    detail: "soon",
  },
  { id: "missing-secret", place: { file: "<cluster>" }, secret: "ztna/other", detail: "is not there" },
  { id: "unreadable", place: { file: "gone,really:yes" }, detail: "does not exist" },
];

const EXAMINATION: Examination = {
  findings: inOrder(FOUND),
  secrets: [
    {
      secret: "ztna/good",
      place: { file: "g.yaml", line: 4 },
      facts: { subject: "CN=good", notAfter: 100 * 86_400_000 },
    },
    { secret: "ztna/relay", place: { file: "a b/x%y.yaml", line: 4 }, facts: undefined },
    { secret: "ztna/later", place: { file: "manifests" }, facts: undefined, promisedBy: "Certificate" },
  ],
  exitCode: 4,
  wallNow: 0,
};

function printed(format: ReportFormat, environment: Record<string, string> = {}) {
  const terminal = recordingTerminal(environment);
  printReport(EXAMINATION, format, terminal);
  return { out: terminal.stdout, err: terminal.stderr };
}

test("lines begin with OK, FAIL or WARN and the place, and end with the id", () => {
  expect(printed("text").out.split("\n")).toEqual([
    "OK: g.yaml:4: ztna/good: CN=good, valid for 100 more days",
    "OK: manifests: ztna/later: made by the Certificate when it is deployed",
    `FAIL: <cluster>: ztna/other is not there; ${FINDINGS["missing-secret"].remedy} [missing-secret]`,
    `WARN: a b/x%y.yaml:8: ztna/relay tls.crt soon; ${FINDINGS["expires-soon"].remedy} [expires-soon]`,
    `FAIL: a b/x%y.yaml:9: ztna/relay tls.key is not it, <&>; ${FINDINGS["key-mismatch"].remedy} [key-mismatch]`,
    `FAIL: gone,really:yes: does not exist; ${FINDINGS.unreadable.remedy} [unreadable]`,
    "",
  ]);
});

test("JSON has a version, every secret and every finding", () => {
  const report = JSON.parse(printed("json").out);
  expect(report).toMatchObject({ schema_version: 1, ok: false, exit_code: 4, examined_at: "1970-01-01T00:00:00Z" });
  expect(report.secrets.map(({ secret, ok }: { secret: string; ok: boolean }) => `${secret} ${ok}`)).toEqual([
    "ztna/good true",
    "ztna/relay false",
    "ztna/later true",
  ]);
  expect(report.findings[2]).toEqual({
    ...{ id: "key-mismatch", level: "fail", secret: "ztna/relay", key: "tls.key", file: "a b/x%y.yaml", line: 9 },
    ...{ detail: "is not it, <&>", cause: FINDINGS["key-mismatch"].cause, remedy: FINDINGS["key-mismatch"].remedy },
  });
});

describe("SARIF", () => {
  const log = JSON.parse(printed("sarif").out);

  const faultsOf = (document: unknown) => schemaFaults(document, sarifSchema, "4");

  test("satisfies the schema of version 2.1.0, with and without findings", () => {
    expect(faultsOf(log)).toEqual([]);
    const terminal = recordingTerminal();
    printReport({ ...EXAMINATION, findings: [] }, "sarif", terminal);
    expect(faultsOf(JSON.parse(terminal.stdout))).toEqual([]);
  });

  test("the schema notices what is wrong", () => {
    type Log = typeof log;
    const spoilers: readonly ((broken: Log) => void)[] = [
      (broken) => (broken.version = "2.0.0"),
      (broken) => (broken.runs[0].results[1].locations[0].physicalLocation.region.startLine = 0),
      (broken) => (broken.runs[0].results[2].message = {}),
      (broken) => (broken.runs[0].results[3].colour = "red"),
      (broken) => (broken.runs[0].results[0].level = "fatal"),
      (broken) => (broken.runs[0].results[1].locations[0].physicalLocation.artifactLocation.uri = "a b"),
      (broken) => delete broken.runs[0].tool.driver.name,
    ];
    for (const spoil of spoilers) {
      const broken = structuredClone(log);
      spoil(broken);
      expect([spoil.toString(), faultsOf(broken)]).not.toEqual([spoil.toString(), []]);
    }
  });

  test("every result points to its rule", () => {
    const [{ results, tool }] = log.runs;
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
  });

  test("names rules and places, and no place for what is no file", () => {
    const [run] = log.runs;
    expect(run.tool.driver.rules.length).toBe(Object.keys(FINDINGS).length);
    expect(run.results.map(({ ruleId, level }: { ruleId: string; level: string }) => `${ruleId} ${level}`)).toEqual([
      "missing-secret error",
      "expires-soon warning",
      "key-mismatch error",
      "unreadable error",
    ]);
    expect(run.results[0].locations[0].physicalLocation).toBeUndefined();
    expect(run.results[2].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: "a%20b/x%25y.yaml" },
      region: { startLine: 9 },
    });
    expect(run.invocations).toEqual([{ executionSuccessful: false, exitCode: 4 }]);
  });
});

test("JUnit counts failures and errors, and escapes what XML would take for its own", () => {
  const { out } = printed("junit");
  expect(out).toContain('<testsuites tests="6" failures="2" errors="1">');
  expect(out).toContain('<testcase classname="g.yaml" name="ztna/good"/>');
  expect(out).toContain("is not it, &lt;&amp;&gt;;");
  expect(out.match(/<failure /g)?.length).toBe(2);
  expect(out.match(/<error /g)?.length).toBe(1);
  expect(out.match(/<system-out>/g)?.length).toBe(1);
});

test("GitHub gets annotations when it runs us: with the lines, or beside the data", () => {
  const expected = [
    `::error title=missing-secret::ztna/other is not there; ${FINDINGS["missing-secret"].remedy}`,
    `::warning file=a b/x%25y.yaml,line=8,title=expires-soon::ztna/relay tls.crt soon; ${FINDINGS["expires-soon"].remedy}`,
    `::error file=a b/x%25y.yaml,line=9,title=key-mismatch::ztna/relay tls.key is not it, <&>; ${FINDINGS["key-mismatch"].remedy}`,
    `::error file=gone%2Creally%3Ayes,line=1,title=unreadable::does not exist; ${FINDINGS.unreadable.remedy}`,
    "",
  ].join("\n");
  expect(printed("text", { GITHUB_ACTIONS: "true" }).out).toEndWith(expected);
  expect(printed("sarif", { GITHUB_ACTIONS: "true" }).err).toBe(expected);
  expect(printed("text").out).not.toContain("::error");
  expect(printed("json").err).toBe("");
});

test("the order does not depend on the order of examination, and doubles are told once", () => {
  const shuffled = [...FOUND, ...FOUND].reverse();
  expect(inOrder(shuffled)).toEqual(inOrder(FOUND));
});

test("the status is that of the worst: unreachable, unreadable, failed, warned", () => {
  const finding = (id: Finding["id"]): Finding => ({ id, place: { file: "f" }, detail: "d" });
  const all = (["cluster-forbidden", "unreadable", "expired", "no-ca"] as const).map(finding);
  expect([0, 1, 2, 3, 4].map((from) => exitCodeOf(all.slice(from), false))).toEqual([5, 4, 1, 0, 0]);
  expect([0, 1, 2, 3, 4].map((from) => exitCodeOf(all.slice(from), true))).toEqual([5, 4, 1, 7, 0]);
});

describe("usage", () => {
  const table: readonly [readonly string[], number, string][] = [
    [["--json", "--sarif"], 2, "exclude each other"],
    [["UPPER"], 2, "the name of a namespace"],
    [["--now", "tomorrow"], 2, "2026-05-01T12:00:00Z"],
    [["--min-days", "x"], 2, "whole number"],
    [["--manifests", "x"], 2, "did you mean --manifest"],
    [["--dir", "x", "--ca-cert", "/gone"], 4, "/gone does not exist"],
    [["--dir", "x", "--expect", "/gone.json"], 3, "/gone.json"],
  ];
  test.each(table)("%p ends with %d", async (args, expected, words) => {
    const terminal = recordingTerminal();
    expect(await main(["validate-secrets", ...args], terminal)).toBe(expected);
    expect(terminal.stderr).toContain(words);
    expect(terminal.stdout).toBe("");
  });

  test.each([
    ['{"secrets":[{"name":"x","rolle":"relay"}]}', "role"],
    ['{"secrets":[{"name":"X"}]}', "lower case"],
    ['{"secrets":[]}', "must name a secret"],
    ['{"secrets":[{"name":"x","services":["A B"]}]}', "a service name"],
  ])("an expectation file such as %s is refused with status 3", async (text, words) => {
    using directory = temporaryDirectory();
    const path = directory.write("expected.json", text);
    const terminal = recordingTerminal();
    expect(await main(["validate-secrets", "--dir", directory.path, "--expect", path], terminal)).toBe(3);
    expect(terminal.stderr).toContain(words);
  });
});
