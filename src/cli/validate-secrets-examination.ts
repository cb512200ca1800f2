// Gathers the secrets of every source, examines them one by one, and looks for those that are missing.
import { type Finding, inOrder, kindOf, type Place } from "../pki/findings.ts";
import type { StoredCertificate } from "../pki/key-material.ts";
import { type CheckContext, checkSecret, type Expectation, type SecretFacts } from "../pki/secret-checks.ts";
import { duplicatesIn, missingIn, unresolved } from "../pki/secret-presence.ts";
import { type Gathered, isObjectName, type SecretRecord, sameNamespace, secretName } from "../pki/secret-record.ts";
import { EXIT, type ExitCode } from "./errors.ts";
import type { Terminal } from "./terminal.ts";
import type { ValidateSettings } from "./validate-secrets.ts";
import { CLUSTER } from "./validate-secrets-cluster.ts";
import { gatherDirectory } from "./validate-secrets-directory.ts";
import { gatherManifests, MANIFESTS, STANDARD_INPUT } from "./validate-secrets-manifest.ts";

export interface Examination {
  readonly findings: readonly Finding[];
  readonly secrets: readonly ExaminedSecret[];
  readonly exitCode: ExitCode;
  readonly wallNow: number;
}

export interface ExaminedSecret {
  readonly secret: string;
  readonly place: Place;
  readonly facts: SecretFacts | undefined;
  /** What makes it when it is deployed; it is not there to be examined. */
  readonly promisedBy?: string | undefined;
}

export async function examine(
  settings: ValidateSettings,
  anchors: readonly StoredCertificate[],
  terminal: Terminal,
): Promise<Examination> {
  const { wallNow, expectations } = await preparation(settings);
  const sources = settings.dir.map((path) => ({ place: { file: path }, found: gatherDirectory(path) }));
  if (settings.manifest.length > 0) {
    const found = await gatherManifests(settings.manifest, terminal);
    sources.push({ place: { file: manifestPlace(settings.manifest) }, found });
  }
  if (settings.cluster || settings.context !== undefined || sources.length === 0) {
    const { gatherCluster } = await import("./validate-secrets-cluster.ts");
    const names = wanted(expectations, sources, settings.namespace);
    const found = await gatherCluster({
      ...{ names, context: settings.context, timeoutMs: settings.timeout, environment: terminal.environment },
    });
    sources.push({ place: { file: CLUSTER }, found });
  }
  const all = together(sources.map(({ found }) => found));
  const context: CheckContext = { ...settings, wallNow, anchors };
  const checked = all.records.map((record) => ({
    record,
    ...checkSecret(record, expectationOf(record, expectations), context),
  }));
  const isComplete = sources.every(({ found }) => !isUnreachable(found));
  const findings = inOrder([
    ...all.findings,
    ...checked.flatMap((one) => one.findings),
    ...sources.flatMap(({ found, place }) => absent(found, expectations, place, sources.length)),
    ...duplicatesIn(all.records),
    ...(isComplete ? unresolved(all.references, all) : []),
  ]);
  const secrets = [
    ...checked.map(({ record, facts }) => ({ secret: secretName(record), place: record.place, facts })),
    ...all.promised.map((promise) => ({
      ...{ secret: secretName(promise), place: { file: MANIFESTS }, facts: undefined, promisedBy: promise.by },
    })),
  ];
  return { findings, secrets, wallNow, exitCode: exitCodeOf(findings, settings.strict) };
}

/** What cannot be examined weighs more than what is wrong: the answer is not known. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): ExitCode {
  const levels = new Set(findings.map((finding) => kindOf(finding).level));
  if (levels.has("unreachable")) return EXIT.unreachable;
  if (levels.has("unreadable")) return EXIT.credentials;
  if (levels.has("fail")) return EXIT.failed;
  return strict && levels.has("warn") ? EXIT.degraded : EXIT.done;
}

async function preparation({ expect, namespace, now }: ValidateSettings) {
  const wallNow = now ?? Date.now();
  if (expect === undefined) {
    const expectations = DEFAULT_SECRETS.map((expected) => ({ ...expected, namespace }));
    return { wallNow, expectations };
  }
  const { readExpectations } = await import("./validate-secrets-expect.ts");
  return { wallNow, expectations: await readExpectations(expect, namespace) };
}

/** A source that could not be read is not blamed for what it lacks, and manifests without any secret beside other
 *  sources are there for what they refer to. */
function absent(
  found: Gathered,
  expectations: readonly Expectation[],
  place: Place,
  sources: number,
): readonly Finding[] {
  if (found.findings.some((finding) => CANNOT_TELL.has(kindOf(finding).level))) return [];
  const isManifest = place.file !== CLUSTER && found.references.length > 0;
  if (isManifest && sources > 1 && found.records.length + found.promised.length === 0) return [];
  return missingIn(found, expectations, place);
}

/** Of the cluster no more is read than is expected there, or referred to by a manifest and in no other source. */
function wanted(
  expectations: readonly Expectation[],
  sources: readonly { readonly found: Gathered }[],
  namespace: string,
): readonly { readonly name: string; readonly namespace: string }[] {
  const given = together(sources.map(({ found }) => found));
  const referred = given.references.filter(
    (reference) => isObjectName(reference.name) && unresolved([{ ...reference, keys: [] }], given).length > 0,
  );
  const names = [...expectations, ...referred].map((one) => ({
    name: one.name,
    namespace: one.namespace ?? namespace,
  }));
  return [...new Map(names.map((one) => [`${one.namespace}/${one.name}`, one])).values()];
}

function expectationOf(record: SecretRecord, expectations: readonly Expectation[]): Expectation | undefined {
  return expectations.find(({ name, namespace }) => name === record.name && sameNamespace(namespace, record.namespace));
}

function together(parts: readonly Gathered[]): Gathered {
  return {
    records: parts.flatMap(({ records }) => records),
    findings: parts.flatMap(({ findings }) => findings),
    references: parts.flatMap(({ references }) => references),
    promised: parts.flatMap(({ promised }) => promised),
  };
}

function isUnreachable({ findings }: Gathered): boolean {
  return findings.some((finding) => kindOf(finding).level === "unreachable");
}

function manifestPlace([first = "", ...rest]: readonly string[]): string {
  if (rest.length > 0) return MANIFESTS;
  return first === "-" ? STANDARD_INPUT : first;
}

const CANNOT_TELL: ReadonlySet<string> = new Set(["unreadable", "unreachable"]);
const DEFAULT_SECRETS: readonly Expectation[] = [
  { name: "ztna-intermediate-tls", role: "relay", names: [], services: [] },
  { name: "ztna-connector-tls", role: "connector", names: [], services: [] },
];
