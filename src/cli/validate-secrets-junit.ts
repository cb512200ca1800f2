// The outcome as JUnit XML: a test case for each secret that is good and for each finding.
import { type Finding, kindOf } from "../pki/findings.ts";
import type { Examination } from "./validate-secrets-examination.ts";
import { goodSecrets, placeText, sentenceOf } from "./validate-secrets-report.ts";

export function junitOf(examination: Examination): string {
  const { findings } = examination;
  const good = goodSecrets(examination);
  const failures = findings.filter((finding) => kindOf(finding).level === "fail").length;
  const errors = findings.filter((finding) => ["unreadable", "unreachable"].includes(kindOf(finding).level)).length;
  const cases = [
    ...good.map(({ secret, place }) => `    <testcase classname="${xml(place.file)}" name="${xml(secret)}"/>\n`),
    ...findings.map(caseOf),
  ];
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${counts}>\n  <testsuite name="ztna validate-secrets" ${counts}>\n`,
    ...cases,
    "  </testsuite>\n</testsuites>\n",
  ].join("");
}

/** A warning fails nothing; it is told in the output of its case. */
function caseOf(finding: Finding): string {
  const { level } = kindOf(finding);
  const what = `${placeText(finding.place)}: ${sentenceOf(finding)}`;
  const inner =
    level === "warn"
      ? `<system-out>${xml(what)}</system-out>`
      : level === "fail"
        ? `<failure type="${finding.id}" message="${xml(what)}"/>`
        : `<error type="${finding.id}" message="${xml(what)}"/>`;
  const name = [finding.secret, finding.key, finding.id].filter((part) => part !== undefined).join(" ");
  return `    <testcase classname="${xml(finding.place.file)}" name="${xml(name)}">${inner}</testcase>\n`;
}

function xml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(/[^\x20-\ud7ff\ue000-\ufffd]/g, "\ufffd");
}
