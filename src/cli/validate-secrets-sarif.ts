// Findings as SARIF 2.1.0, which code scanning services read.
import { createHash } from "node:crypto";
import { version } from "../../package.json";
import { FINDINGS, type FindingId, type FindingKind } from "../pki/finding-catalogue.ts";
import { type Finding, kindOf } from "../pki/findings.ts";
import type { Examination } from "./validate-secrets-examination.ts";
import { sentenceOf } from "./validate-secrets-report.ts";

/** Every rule is listed, found or not, so that a service can tell what was looked for. */
export function sarifOf({ findings, exitCode }: Examination): unknown {
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "ztna validate-secrets", version, rules: RULE_IDS.map(ruleOf) } },
        invocations: [{ executionSuccessful: exitCode !== 4 && exitCode !== 5, exitCode }],
        columnKind: "utf16CodeUnits",
        results: findings.map(resultOf),
      },
    ],
  };
}

function ruleOf(id: FindingId): unknown {
  const kind: FindingKind = FINDINGS[id];
  return {
    id,
    shortDescription: { text: kind.cause },
    help: { text: kind.remedy },
    defaultConfiguration: { level: levelOf(kind) },
  };
}

function resultOf(finding: Finding): unknown {
  const { file, line } = finding.place;
  const subject = [finding.secret, finding.key].filter((part) => part !== undefined).join("/");
  const physical = { artifactLocation: { uri: uriOf(file) }, region: { startLine: line ?? 1 } };
  return {
    ruleId: finding.id,
    ruleIndex: RULE_IDS.indexOf(finding.id),
    level: levelOf(kindOf(finding)),
    message: { text: sentenceOf(finding) },
    locations: [
      {
        // Standard input and a cluster are no files.
        ...(file.startsWith("<") ? {} : { physicalLocation: physical }),
        ...(subject === "" ? {} : { logicalLocations: [{ fullyQualifiedName: subject, kind: "resource" }] }),
      },
    ],
    partialFingerprints: { "ztnaFinding/v1": fingerprintOf(finding) },
  };
}

/** The same finding in the next run, although lines may have moved. */
function fingerprintOf({ id, place, secret = "", key = "" }: Finding): string {
  return createHash("sha256")
    .update(JSON.stringify([id, place.file, secret, key]))
    .digest("hex")
    .slice(0, 32);
}

function levelOf({ level }: FindingKind): "warning" | "error" {
  return level === "warn" ? "warning" : "error";
}

function uriOf(file: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return file.startsWith("/") ? `file://${path}` : path;
}

const RULE_IDS = Object.keys(FINDINGS) as readonly FindingId[];
