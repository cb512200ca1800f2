// The files of this repository as git sees them, and as they are on disk where there is no git.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

export interface RepositoryFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Everything tracked, plus what is new and not ignored: what the next commit could hold. Binary files are left out. */
export function repositoryFiles(): RepositoryFile[] {
  const files: RepositoryFile[] = [];
  for (const path of listedByGit() ?? listedByDisk()) {
    if (!existsSync(join(ROOT, path))) continue;
    const text = readFileSync(join(ROOT, path), "utf8");
    if (!text.includes("\0")) files.push({ path, text });
  }
  return files;
}

export function git(...args: string[]): string | undefined {
  const run = Bun.spawnSync(["git", "-C", ROOT, ...args], { stderr: "ignore" });
  return run.exitCode === 0 ? run.stdout.toString() : undefined;
}

function listedByGit(): string[] | undefined {
  return git("ls-files", "-co", "--exclude-standard", "-z")?.split("\0").filter(Boolean);
}

function listedByDisk(): string[] {
  const unlisted = /^(?:node_modules|dist|certs|\.git)\/|^\.env$|\.log$/;
  return [...new Bun.Glob("**/*").scanSync({ cwd: ROOT, dot: true })].filter((path) => !unlisted.test(path));
}
