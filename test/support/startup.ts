// How long the compiled program takes to start, as a multiple of a compiled program that does nothing. Both run in turn,
// and the fastest run of each counts: everything slower is the machine's own business.
import { join } from "node:path";
import packageJson from "../../package.json";
import { BINARY } from "./binary.ts";
import { runProcess } from "./process.ts";
import type { TemporaryDirectory } from "./temporary-directory.ts";

export interface Startup {
  readonly command: string;
  readonly millis: number;
  readonly ratio: number;
}

/** Built with the options of the real build. */
export async function buildEmptyProgram(directory: TemporaryDirectory): Promise<string> {
  const flags = packageJson.scripts.build.match(/--[a-z-]+(?:=\S+)?/g)?.filter((flag) => BUILD_FLAG.test(flag)) ?? [];
  const program = join(directory.path, "empty");
  const entry = directory.write("empty.ts", "// Does nothing.\nexport {};\n");
  const command = [process.execPath, "build", ...flags, entry, "--outfile", program];
  const { status, stderr } = await runProcess(command, { cwd: directory.path });
  if (status !== 0) throw new Error(`the empty program was not built: ${stderr}`);
  return program;
}

/** `commands` are arguments of ztna. */
export function measureStartup(empty: string, commands: readonly string[], rounds: number): readonly Startup[] {
  const programs = [[empty], ...commands.map((command) => [BINARY, ...command.split(" ")])];
  const best = programs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [index, program] of programs.entries()) best[index] = Math.min(best[index]!, timeOf(program));
  }
  const [base = Number.NaN, ...rest] = best;
  return rest.map((millis, index) => ({ command: commands[index]!, millis, ratio: millis / base }));
}

function timeOf(command: readonly string[]): number {
  const start = performance.now();
  const { exitCode } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return performance.now() - start;
}

const BUILD_FLAG = /^--(?:compile|splitting|bytecode|format=\w+|no-compile-[a-z-]+)$/;
