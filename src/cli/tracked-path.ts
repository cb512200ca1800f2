// Whether a file would end up in somebody's repository: what holds a key must not.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CommandError } from "./errors.ts";

/** Throws unless the path is outside of every git work tree or ignored there. */
export function refuseTracked(path: string, environment: Readonly<Record<string, string | undefined>>): void {
  const tree = workTreeOf(dirname(resolve(path)));
  if (tree === undefined || isIgnored(resolve(path), tree, environment)) return;
  throw new CommandError(
    `${path} is in the git work tree ${tree} and not ignored there, and it would hold a private key; write it elsewhere, pipe it to kubectl apply -f -, or pass --force`,
  );
}

function workTreeOf(directory: string): string | undefined {
  if (existsSync(join(directory, ".git"))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : workTreeOf(parent);
}

/** Without git nobody knows what is ignored, so nothing is. */
function isIgnored(path: string, tree: string, environment: Readonly<Record<string, string | undefined>>): boolean {
  const git = Bun.which("git", { PATH: environment.PATH ?? "" });
  if (git === null) return false;
  const { exitCode } = Bun.spawnSync([git, "-C", tree, "check-ignore", "--quiet", path], {
    ...{ env: { ...environment }, stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  });
  return exitCode === 0;
}
