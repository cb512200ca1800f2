// What a source file loads as soon as it is loaded itself: packages, through all static imports.
import { posix } from "node:path";
import type { RepositoryFile } from "./repository.ts";
import { importsOf } from "./source-text.ts";

export function packagesLoadedBy(path: string, files: readonly RepositoryFile[]): readonly string[] {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const packages = new Set<string>();
  const visited = new Set<string>();
  const visit = (at: string) => {
    if (visited.has(at)) return;
    visited.add(at);
    for (const { specifier, kind } of importsOf(texts.get(at) ?? "")) {
      if (kind === "type" || kind === "dynamic" || /^(?:node|bun):/.test(specifier)) continue;
      if (specifier.startsWith(".")) visit(posix.join(posix.dirname(at), specifier));
      else packages.add(specifier);
    }
  };
  visit(path);
  return [...packages].toSorted();
}
