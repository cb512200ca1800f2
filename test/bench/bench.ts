// `bun run bench`: what the relay costs, as ratios of one run, because the machine's speed drifts: whatever is compared
// takes turns, with the in-memory hop before and after each round. Times are reported, never asserted.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchPki } from "./bench-pki.ts";
import { PARTS, type PartContext, type PartName } from "./parts.ts";
import { plotAll } from "./plot.ts";
import { type Report, showReport } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    plot: { type: "string" },
    part: { type: "string", multiple: true },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    minutes: { type: "string", default: "10" },
    io: { type: "string", default: "auto" },
  },
});

async function main(): Promise<void> {
  const report: Report = [];
  const context: PartContext = {
    pki: await benchPki(),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    minutes: Number(values.minutes),
    io: values.io,
    report,
    points: [],
  };
  for (const name of chosenParts()) {
    if (!values.json) console.error(`measuring ${name} …`);
    await PARTS[name](context);
  }
  console.log(values.json ? JSON.stringify({ schema_version: 2, report, points: context.points }) : showReport(report));
  if (values.plot === undefined) return;
  mkdirSync(values.plot, { recursive: true });
  for (const { name, svg } of plotAll(context.points)) writeFileSync(join(values.plot, `${name}.svg`), svg);
}

/** All but the one that takes many minutes, unless told. */
function chosenParts(): PartName[] {
  const names = Object.keys(PARTS) as PartName[];
  const { part } = values;
  if (part === undefined) return names.filter((name) => name !== "memory");
  const unknown = part.filter((name) => !(name in PARTS));
  if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(", ")}; there are ${names.join(", ")}`);
  return names.filter((name) => part.includes(name));
}

await main();
