// Manifest files, and standard input as "-", as one source: what is applied together is examined together.
import { CredentialFault } from "../pki/credential-fault.ts";
import type { Finding } from "../pki/findings.ts";
import { gatherObjects } from "../pki/manifest-secrets.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../pki/manifest-tree.ts";
import { type Gathered, gathered } from "../pki/secret-record.ts";
import { readStored } from "../pki/store.ts";
import type { Terminal } from "./terminal.ts";

export const STANDARD_INPUT = "<stdin>";
export const MANIFESTS = "manifests";

export async function gatherManifests(paths: readonly string[], terminal: Terminal): Promise<Gathered> {
  const parts: Gathered[] = [];
  for (const path of new Set(paths)) {
    const file = path === "-" ? STANDARD_INPUT : path;
    const text = path === "-" ? await readInput(terminal) : readText(path);
    parts.push(typeof text === "string" ? gatherText(text, file) : gathered({ findings: [text] }));
  }
  return {
    records: parts.flatMap(({ records }) => records),
    findings: parts.flatMap(({ findings }) => findings),
    references: parts.flatMap(({ references }) => references),
    promised: parts.flatMap(({ promised }) => promised),
  };
}

export function gatherText(text: string, file: string): Gathered {
  const { documents, faults } = parseManifest(text.replace(/^\ufeff/, ""));
  const found = gatherObjects(documents, { file, source: MANIFESTS, origin: "manifest" });
  const findings = faults.map(({ id, line, detail }): Finding => ({ id, place: { file, line }, detail }));
  return { ...found, findings: [...findings, ...found.findings] };
}

async function readInput(terminal: Terminal): Promise<string | Finding> {
  const bytes = await terminal.readInput(MAX_MANIFEST_BYTES);
  return bytes === undefined ? tooLarge(STANDARD_INPUT) : Buffer.from(bytes).toString("utf8");
}

function readText(path: string): string | Finding {
  try {
    return Buffer.from(readStored(path, MAX_MANIFEST_BYTES).text, "latin1").toString("utf8");
  } catch (error) {
    if (!(error instanceof CredentialFault)) throw error;
    if (error.reason === "empty") return "";
    const detail = error.message.slice(path.length + 1).split(";")[0] as string;
    if (error.reason === "too-large") return tooLarge(path);
    return { id: "unreadable", place: { file: path }, detail };
  }
}

function tooLarge(file: string): Finding {
  return { id: "too-large", place: { file, line: 1 }, detail: "is larger than 10 MB" };
}
