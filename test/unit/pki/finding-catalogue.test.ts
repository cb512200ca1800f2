// The catalogue of findings against the document that explains it, and its own form.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FINDINGS } from "../../../src/pki/finding-catalogue.ts";
import { documentedTable, FINDING_DOCUMENT, findingTable } from "../../support/finding-reference.ts";

test("the document lists every finding with its level, cause and remedy, and no other", () => {
  expect(documentedTable(readFileSync(FINDING_DOCUMENT, "utf8"))).toBe(findingTable());
});

test("ids are kebab-case, and every finding says what to do", () => {
  for (const [id, { cause, remedy }] of Object.entries(FINDINGS)) {
    expect(id).toMatch(/^[a-z]+(-[a-z0-9]+)*$/);
    expect(cause.length).toBeGreaterThan(10);
    expect(remedy.length).toBeGreaterThan(8);
    expect(`${cause}${remedy}`).not.toContain("|");
  }
});
