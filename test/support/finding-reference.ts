// The table of findings in src/pki/README.md, as the catalogue has it. Run as a program it writes the table anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FINDINGS } from "../../src/pki/finding-catalogue.ts";
import { ROOT } from "./repository.ts";

export const FINDING_DOCUMENT = join(ROOT, "src/pki/README.md");

export function findingTable(): string {
  const rows = Object.entries(FINDINGS).map(
    ([id, { level, cause, remedy }]) => `| \`${id}\` | ${level} | ${cause} | ${remedy} |`,
  );
  return ["| id | level | cause | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

export function documentedTable(document: string): string {
  return TABLE.exec(document)?.[0] ?? "";
}

const TABLE = /\| id \| level \|[\s\S]*?(?=\n\n|\n*$)/;

if (import.meta.main) {
  const document = readFileSync(FINDING_DOCUMENT, "utf8");
  writeFileSync(FINDING_DOCUMENT, document.replace(TABLE, findingTable()));
}
