// Holds everything that a repository holds, or ever held, to the hygiene rules: files on disk that the next commit could
// contain, and every version of every file and every message that any ref leads to.
import type { Rule } from "./architecture-rules.ts";
import { hostKeysChecked, noKeyMaterial, noMachinePaths, onlyReservedAddresses } from "./hygiene-rules.ts";
import { gitOutput, type RepositoryFile, repositoryFiles } from "./repository.ts";

const RULES: readonly Rule[] = [noKeyMaterial, onlyReservedAddresses, noMachinePaths, hostKeysChecked];

/** "path: fault", each once. */
export function scanRepository(root: string): readonly string[] {
  const faults = new Set<string>();
  for (const { where, file } of everything(root)) {
    for (const rule of RULES) for (const fault of rule(file)) faults.add(`${where}${file.path}: ${fault}`);
  }
  return [...faults];
}

function* everything(root: string): Generator<{ readonly where: string; readonly file: RepositoryFile }> {
  const current = repositoryFiles(root);
  for (const file of current) yield { where: "", file };
  const known = new Set(current.map(({ path, text }) => `${path}\0${text}`));
  for (const file of history(root)) if (!known.has(`${file.path}\0${file.text}`)) yield { where: "history, ", file };
}

function* history(root: string): Generator<RepositoryFile> {
  const listed = gitOutput(root, ["rev-list", "--objects", "--all"])?.toString() ?? "";
  const paths = new Map<string, string>();
  for (const line of listed.split("\n")) {
    const [, id, path] = /^([0-9a-f]{40,64}) ?(.*)$/.exec(line) ?? [];
    if (id !== undefined) paths.set(id, path || id.slice(0, 12));
  }
  const contents = gitOutput(root, ["cat-file", "--batch"], [...paths.keys()].join("\n")) ?? Buffer.alloc(0);
  for (let at = 0; at < contents.length; ) {
    const end = contents.indexOf("\n", at);
    const [id = "", type = "", size = "0"] = contents.toString("utf8", at, end).split(" ");
    const text = contents.toString("utf8", end + 1, end + 1 + Number(size));
    at = end + 2 + Number(size);
    if (type === "blob" && !text.includes("\0")) yield { path: paths.get(id) ?? id, text };
    // Behind the headers, which name people.
    if (type === "commit") yield { path: `message of ${id.slice(0, 12)}`, text: text.slice(text.indexOf("\n\n") + 2) };
  }
}
