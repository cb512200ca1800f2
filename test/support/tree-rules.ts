// Rules about the tree as a whole: what the top level holds, which test mirrors which source, how long files are.
import { posix } from "node:path";
import { folderOf } from "./architecture-rules.ts";
import type { RepositoryFile } from "./repository.ts";
import { codeOf, importsOf } from "./source-text.ts";

const TOP_LEVEL = new Set([
  ...["README.md", "SECURITY.md", "LICENSE", "package.json", "bunfig.toml", "src", "bin", "test", "certs.example"],
  ...["deploy", "bun.lock", "biome.json", "tsconfig.json", ".npmrc", ".gitignore", ".gitattributes", ".dockerignore"],
  ...[".env.example", ".ci", ".github"],
]);

/** The top level holds the project's own few entries and files that a tool insists on. */
export function strayTopLevel(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split("/")[0] as string))].filter((entry) => !TOP_LEVEL.has(entry));
}

/**
 * Sources that run but that no test names. Tools, codecs and identities need their mirror; a part of a role, of an
 * endpoint or of the shell may be tested through the file that it was split from.
 */
export function untested(files: readonly RepositoryFile[]): string[] {
  const tests = files.filter(({ path }) => path.startsWith("test/"));
  const testPaths = new Set(tests.map(({ path }) => path));
  const sources = files.filter(({ path }) => folderOf(path) !== undefined);
  const imported = new Set(tests.flatMap(importedPaths));
  const named = sources.filter(
    ({ path }) => imported.has(path) || mirrors(path).some((mirror) => testPaths.has(mirror)),
  );
  const reached = reachedFrom(named, sources);
  const missing: string[] = [];
  for (const { path, text } of sources) {
    if (!exportsValues(text)) continue;
    const [mirror] = mirrors(path);
    const strict = MIRRORED_STRICTLY.includes(folderOf(path) as string);
    if (strict && !mirrors(path).some((candidate) => testPaths.has(candidate)))
      missing.push(`${path} has no ${mirror}`);
    else if (!strict && !reached.has(path)) missing.push(`${path} is reached by no test`);
  }
  return missing;
}

/** Where the test of a source file may be; its unit test first. */
function mirrors(path: string): string[] {
  const name = posix.basename(path, ".ts");
  return [`test/unit/${path.slice(4, -3)}`, `test/property/${name}`, `test/quic/${name}`, `test/e2e/${name}`].map(
    (mirror) => `${mirror}.test.ts`,
  );
}

/** The named files and what they run, directly or not, in their own folder. */
function reachedFrom(named: readonly RepositoryFile[], sources: readonly RepositoryFile[]): ReadonlySet<string> {
  const byPath = new Map(sources.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const visit = (file: RepositoryFile) => {
    if (reached.has(file.path)) return;
    reached.add(file.path);
    for (const path of importedPaths(file)) {
      const next = byPath.get(path);
      if (next !== undefined && folderOf(path) === folderOf(file.path)) visit(next);
    }
  };
  for (const file of named) visit(file);
  return reached;
}

const MIRRORED_STRICTLY = ["core", "wire", "identity", "tcp"];

/**
 * Unit tests whose source is gone: test/unit mirrors src name for name, and test/unit/support the tests' own tools. A
 * large subject may have several tests: uplink.test.ts and uplink-recovery.test.ts.
 */
export function orphanedTests(files: readonly RepositoryFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  const exists = (name: string) => paths.has(`src/${name}.ts`) || paths.has(`test/${name}.ts`);
  return files
    .map(({ path }) => /^test\/unit\/(.+\/.+)\.test\.ts$/.exec(path)?.[1])
    .filter((mirrored) => mirrored !== undefined && !subjects(mirrored).some(exists))
    .map((mirrored) => `test/unit/${mirrored}.test.ts mirrors nothing`);
}

/** "tunnel/uplink-recovery" -> itself, then "tunnel/uplink". */
function subjects(mirrored: string): string[] {
  const shorter = mirrored.replace(/-[^-/]*$/, "");
  return shorter === mirrored ? [mirrored] : [mirrored, ...subjects(shorter)];
}

/** The length below which the given share of files stays. */
export function lengthPercentile(files: readonly RepositoryFile[], share: number): number {
  const lengths = files
    .filter(({ path }) => folderOf(path) !== undefined)
    .map(({ text }) => text.trimEnd().split("\n").length)
    .sort((a, b) => a - b);
  return lengths[Math.min(lengths.length - 1, Math.floor(lengths.length * share))] ?? 0;
}

/** A file with nothing to run – types and plain literals – needs no test of its own. */
function exportsValues(text: string): boolean {
  return /^export\s+(?:async\s+)?(?:function|class|const\s+\w+\s*=\s*(?:async\s*)?(?:\([^)]*\)|\w+)\s*(?::[^=]+)?=>)/m.test(
    codeOf(text),
  );
}

function importedPaths({ path, text }: RepositoryFile): string[] {
  return importsOf(text)
    .filter(({ specifier, kind }) => specifier.startsWith(".") && kind !== "type")
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
}
