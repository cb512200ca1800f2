// The rules of the code's layout, each a function from one file to the faults in it.
import { posix } from "node:path";
import type { RepositoryFile } from "./repository.ts";
import { codeOf, importsOf } from "./source-text.ts";

export type Rule = (file: RepositoryFile) => string[];

/** What each folder of src/ may import besides itself: folders, and single files where a folder would be too much. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  runtime: ["quic", "tunnel", "tcp/isn.ts", "wire", "core", "connector/backend.ts", "agent/local.ts"],
  quic: ["tunnel/peer.ts", "identity", "wire", "core"],
  relay: ["tunnel", "tcp", "identity", "wire", "core"],
  connector: ["tunnel", "tcp", "identity", "wire", "core"],
  agent: ["tunnel", "tcp", "identity", "wire", "core"],
  tunnel: ["tcp", "identity", "wire", "core"],
  tcp: ["wire", "core"],
  pki: ["identity", "wire"],
  identity: ["wire"],
  core: [],
  wire: [],
};

export const PURE_FOLDERS = ["core", "wire", "identity", "tcp", "tunnel", "relay", "connector", "agent"];

/** Who may import whom. `cli` assembles everything; nothing imports `cli` but the executable's entry. */
export const layering: Rule = ({ path, text }) => {
  const from = folderOf(path);
  if (from === undefined || from === "cli") return [];
  const allowed = MAY_IMPORT[from];
  if (allowed === undefined) return [`folder src/${from} has no place in the layering`];
  const faults: string[] = [];
  for (const { specifier } of importsOf(text)) {
    if (!specifier.startsWith(".")) continue;
    const target = posix.join(posix.dirname(path), specifier);
    const inside = target.startsWith("src/") ? target.slice(4) : `../${target}`;
    const folder = inside.split("/")[0] as string;
    if (folder === from || allowed.includes(folder) || allowed.includes(inside)) continue;
    faults.push(`${from} must not import ${inside}`);
  }
  return faults;
};

/** The executable passes its arguments on and does nothing else. */
export const thinEntry: Rule = ({ path, text }) => {
  if (!path.startsWith("bin/")) return [];
  return importsOf(text)
    .filter(({ specifier }) => specifier !== "../src/cli/main.ts")
    .map(({ specifier }) => `the entry must not import ${specifier}`);
};

/** Pure folders decide; they do not do I/O, read clocks or roll dice. */
export const purity: Rule = ({ path, text }) => {
  if (!PURE_FOLDERS.includes(folderOf(path) ?? "")) return [];
  const faults: string[] = [];
  for (const { specifier, kind } of importsOf(text)) {
    const isCertificateLibrary = path === "src/identity/certificate.ts" && specifier === "node-forge";
    if (!specifier.startsWith(".") && !isCertificateLibrary) faults.push(`a pure folder must not import ${specifier}`);
    if (kind === "dynamic" || kind === "require") faults.push(`a pure folder must not load ${specifier} at run time`);
  }
  const code = codeOf(text);
  for (const name of IMPURE_GLOBALS) {
    if (new RegExp(`(?<![.\\w$])${name}\\b(?!\\s*\\??:)`).test(code)) faults.push(`a pure folder must not use ${name}`);
  }
  if (/\bMath\s*\.\s*random\b/.test(code)) faults.push("a pure folder must not use Math.random");
  return faults;
};

const IMPURE_GLOBALS = [
  ...["Bun", "Buffer", "Date", "Intl", "Promise", "console", "crypto", "fetch", "globalThis", "performance", "process"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "clearTimeout", "clearInterval", "clearImmediate"],
  ...["async", "await"],
];

/** Only the command line reads argv and the environment, so that every option is declared once. */
export const environment: Rule = ({ path, text }) => {
  const folder = folderOf(path);
  if (folder === undefined || folder === "cli") return [];
  const used = /\b(?:process\s*\.\s*(?:argv|env)|Bun\s*\.\s*(?:argv|env)|import\.meta\.env)\b/.exec(codeOf(text));
  return used === null ? [] : [`only src/cli may use ${used[0]}`];
};

/** Relative imports name the defining file with its extension, and nobody imports tests or reaches into packages by path. */
export const importStyle: Rule = ({ path, text }) => {
  if (!path.endsWith(".ts")) return [];
  const faults: string[] = [];
  for (const { specifier, kind } of importsOf(text)) {
    const relative = specifier.startsWith(".");
    if (relative && !/\.(?:ts|json)$/.test(specifier)) faults.push(`import of ${specifier} lacks its .ts`);
    if (path.startsWith("src/") && specifier.includes("/test/")) faults.push(`src must not import ${specifier}`);
    if (path.startsWith("src/") && kind === "export")
      faults.push(`re-export of ${specifier}: import the defining file`);
  }
  const code = codeOf(text);
  if (/\bexport\s+default\b/.test(code)) faults.push("default export: exports have names");
  return faults;
};

/** The folder under src/ that a file is in; undefined elsewhere. */
export function folderOf(path: string): string | undefined {
  const match = /^src\/([^/]+)\/.*\.ts$/.exec(path);
  return match?.[1];
}
