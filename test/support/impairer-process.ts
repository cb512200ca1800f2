// The impairer as a process of its own: paths as its argument says, one command in JSON per line of standard input, one
// answer per line of standard output. Ends with its standard input.
import { ImpairedPath, type PathOptions } from "./impaired-path.ts";
import type { ImpairerCommand, PathReport } from "./impairer.ts";

async function main(paths: readonly (PathOptions & { readonly name: string })[]): Promise<void> {
  const open = new Map<string, ImpairedPath>();
  for (const { name, ...options } of paths) {
    const path = await ImpairedPath.open(options);
    open.set(name, path);
    console.log(`path ${name} ${path.port}`);
  }
  console.log("ready");
  for await (const line of console) console.log(JSON.stringify(perform(open, JSON.parse(line))));
}

function perform(paths: ReadonlyMap<string, ImpairedPath>, command: ImpairerCommand): unknown {
  for (const [name, path] of paths) {
    if (command.path !== undefined && command.path !== name) continue;
    if (command.type === "set") path.set(command.conditions, command.direction);
    else if (command.type === "black-out") path.blackOut(command.ms, command.direction);
  }
  const reports: Record<string, PathReport> = {};
  for (const [name, path] of paths) reports[name] = { ...path.counters(), kernelDrops: path.kernelDrops };
  return { id: command.id, reports, cpuMs: cpuMs() };
}

/** Of this process so far: whether it was the bottleneck. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

await main(JSON.parse(process.argv[2] ?? "[]"));
process.exit(0);
