// A test that cannot run here says why, is counted as skipped, and never runs by accident.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess, source } from "../../support/process.ts";
import { ROOT } from "../../support/repository.ts";
import { firstReason, withoutFile, withoutProgram } from "../../support/skip.ts";

const folder = mkdtempSync(join(tmpdir(), "ztna-skip-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the reason is printed, the test counted and its body left alone", async () => {
  const path = join(folder, "skips.test.ts");
  writeFileSync(
    path,
    `import { testUnless } from "${join(ROOT, "test/support/skip.ts")}";
     testUnless(undefined)("runs", () => {});
     testUnless(undefined, "no moon")("waits for the moon", () => { throw new Error("ran"); });`,
  );
  const { stdout, stderr } = await runProcess(source("test/support/run-tests.ts", path));
  expect(stdout).toEndWith("1 passed, 0 failed, 1 skipped\n");
  expect(stderr).toContain("skipped: no moon – waits for the moon");
});

test("reasons name what is missing", () => {
  expect(withoutProgram("sh")).toBeUndefined();
  expect(withoutProgram("no-such-program")).toBe("no-such-program is not installed");
  expect(withoutFile(join(folder, "none"))).toContain("cannot be opened");
  expect(firstReason([undefined, "first", "second"])).toBe("first");
});
