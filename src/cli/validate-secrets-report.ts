// The outcome in words, as JSON, and as annotations where GitHub runs us. Other formats have files of their own.
import { daysUntil, secondOf } from "../pki/dates.ts";
import type { FindingLevel } from "../pki/finding-catalogue.ts";
import { type Finding, kindOf, type Place } from "../pki/findings.ts";
import type { Terminal } from "./terminal.ts";
import type { Examination, ExaminedSecret } from "./validate-secrets-examination.ts";
import { junitOf } from "./validate-secrets-junit.ts";
import { sarifOf } from "./validate-secrets-sarif.ts";

export type ReportFormat = "text" | "json" | "sarif" | "junit";

export function printReport(examination: Examination, format: ReportFormat, terminal: Terminal): void {
  if (format === "text") terminal.out(textOf(examination));
  else if (format === "json") terminal.out(`${JSON.stringify(jsonOf(examination), null, 2)}\n`);
  else if (format === "sarif") terminal.out(`${JSON.stringify(sarifOf(examination), null, 2)}\n`);
  else terminal.out(junitOf(examination));
  if (terminal.environment.GITHUB_ACTIONS !== "true") return;
  const annotations = examination.findings.map(annotationOf).join("");
  if (format === "text") terminal.out(annotations);
  else terminal.err(annotations);
}

/** "secrets.yaml:12" */
export function placeText({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** "ztna/relay-tls tls.key is not the key of …; give the two that were issued together" */
export function sentenceOf(finding: Finding): string {
  return `${subjectOf(finding)}${finding.detail}; ${kindOf(finding).remedy}`;
}

/** Those about which, in any source, nothing worse than a warning was found. */
export function goodSecrets({ secrets, findings }: Examination): readonly ExaminedSecret[] {
  const bad = new Set(findings.filter((finding) => kindOf(finding).level !== "warn").map(({ secret }) => secret));
  return secrets.filter(({ secret }) => !bad.has(secret));
}

function textOf(examination: Examination): string {
  const lines = [
    ...goodSecrets(examination).map(
      (one) => `OK: ${placeText(one.place)}: ${one.secret}: ${praiseOf(one, examination)}`,
    ),
    ...examination.findings.map(
      (finding) =>
        `${WORDS[kindOf(finding).level]}: ${placeText(finding.place)}: ${sentenceOf(finding)} [${finding.id}]`,
    ),
  ];
  // Names of files and of certificates' holders may hold anything, also what looks like another line.
  return lines.map((line) => `${line.replace(/\p{Cc}/gu, "?")}\n`).join("");
}

function praiseOf({ facts, promisedBy }: ExaminedSecret, { wallNow }: Examination): string {
  if (promisedBy !== undefined) return `made by the ${promisedBy} when it is deployed`;
  if (facts === undefined) return "nothing wrong was found";
  return `${facts.subject.slice(0, 100)}, valid for ${daysUntil(facts.notAfter, wallNow)} more days`;
}

function jsonOf(examination: Examination): unknown {
  const { findings, secrets, exitCode, wallNow } = examination;
  const good = new Set(goodSecrets(examination));
  return {
    schema_version: 1,
    ok: exitCode === 0,
    exit_code: exitCode,
    examined_at: secondOf(wallNow),
    secrets: secrets.map((one) => ({
      ...{ secret: one.secret, file: one.place.file, line: one.place.line ?? null, ok: good.has(one) },
      subject: one.facts?.subject ?? null,
      not_after: one.facts === undefined ? null : secondOf(one.facts.notAfter),
      promised_by: one.promisedBy ?? null,
    })),
    findings: findings.map((finding) => ({
      ...{ id: finding.id, level: kindOf(finding).level, secret: finding.secret ?? null, key: finding.key ?? null },
      ...{ file: finding.place.file, line: finding.place.line ?? null, detail: finding.detail },
      ...{ cause: kindOf(finding).cause, remedy: kindOf(finding).remedy },
    })),
  };
}

/** A workflow command; what would end it early is escaped as GitHub defines it. */
function annotationOf(finding: Finding): string {
  const { file, line } = finding.place;
  const position = file.startsWith("<") ? "" : `file=${property(file)},line=${line ?? 1},`;
  const command = kindOf(finding).level === "warn" ? "warning" : "error";
  return `::${command} ${position}title=${property(finding.id)}::${escaped(sentenceOf(finding))}\n`;
}

function property(text: string): string {
  return escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function subjectOf({ secret, key }: Finding): string {
  const subject = [secret, key].filter((part) => part !== undefined).join(" ");
  return subject === "" ? "" : `${subject} `;
}

const WORDS: Readonly<Record<FindingLevel, string>> = {
  fail: "FAIL",
  warn: "WARN",
  unreadable: "FAIL",
  unreachable: "FAIL",
};
