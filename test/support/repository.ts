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
export function repositoryFiles(root = ROOT): RepositoryFile[] {
  const files: RepositoryFile[] = [];
  for (const path of listedByGit(root) ?? listedByDisk(root)) {
    if (!existsSync(join(root, path))) continue;
    const text = readFileSync(join(root, path), "utf8");
    if (!text.includes("\0")) files.push({ path, text });
  }
  return files;
}

export function git(...args: string[]): string | undefined {
  return gitOutput(ROOT, args)?.toString();
}

/** Undefined when git is not there or fails. */
export function gitOutput(root: string, args: readonly string[], input = ""): Buffer | undefined {
  try {
    const stdin = Buffer.from(input);
    const run = Bun.spawnSync(["git", "-C", root, ...args], { stdin, stderr: "ignore", maxBuffer: MAX_OUTPUT });
    return run.exitCode === 0 ? run.stdout : undefined;
  } catch {
    return undefined;
  }
}

const MAX_OUTPUT = 1024 ** 3;

function listedByGit(root: string): string[] | undefined {
  return gitOutput(root, ["ls-files", "-co", "--exclude-standard", "-z"])?.toString().split("\0").filter(Boolean);
}

function listedByDisk(root: string): string[] {
  const unlisted = /^(?:node_modules|dist|certs|\.git)\/|^\.env$|\.log$/;
  return [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })].filter((path) => !unlisted.test(path));
}
