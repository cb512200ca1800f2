// The test runner's arithmetic, and the runner itself on real test files that pass, fail, break and are missing.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess, source } from "../../support/process.ts";
import { closingLine, countsOf, verdict } from "../../support/run-tests.ts";

const folder = mkdtempSync(join(tmpdir(), "ztna-runner-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSES = 'test("holds", () => expect(1).toBe(1));';
const FAILS = 'test("does not hold", () => expect(1).toBe(2));';
const SKIPS = `test.${"skip"}("cannot run here", () => {});`;

function run(name: string, body: string, env: Record<string, string> = {}) {
  const path = join(folder, `${name}.test.ts`);
  writeFileSync(path, `import { expect, test } from "bun:test";\n${body}\n`);
  const forbid = env.ZTNA_TEST_FORBID_SKIPS;
  return runProcess(source("test/support/run-tests.ts", path), { env: { ZTNA_TEST_FORBID_SKIPS: forbid } });
}

describe("the runner ends with one plain line and the right status", () => {
  test("when everything passes", async () => {
    const { status, stdout } = await run("passes", PASSES);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("1 passed, 0 failed");
    expect(status).toBe(0);
  });

  test("when a test takes longer than Bun would wait by itself", async () => {
    const { status } = await run("slow", 'test("is slow", () => Bun.sleep(5200));');
    expect(status).toBe(0);
  }, 30_000);

  test("when a test fails", async () => {
    const { status, stdout } = await run("fails", PASSES + FAILS);
    expect(stdout).toEndWith("1 passed, 1 failed\n");
    expect(status).toBe(1);
  });

  test("when a file cannot be loaded", async () => {
    const { status, stdout } = await run("broken", `import "./missing.ts";\n${PASSES}`);
    expect(stdout).toEndWith("0 passed, 1 failed\n");
    expect(status).toBe(1);
  });

  test("when an error is thrown outside of every test", async () => {
    const { status, stdout } = await run("stray", `${PASSES}\nqueueMicrotask(() => { throw new Error("stray"); });`);
    expect(stdout).toMatch(/ passed, [1-9]\d* failed\n$/);
    expect(status).toBe(1);
  });

  test("when there is no test", async () => {
    const { status, stdout } = await runProcess(source("test/support/run-tests.ts", join(folder, "no.test.ts")));
    expect(stdout).toEndWith("0 passed, 1 failed\n");
    expect(status).toBe(1);
  });

  test("when a test is skipped, which fails only where nothing may be skipped", async () => {
    const allowed = await run("skips", PASSES + SKIPS);
    expect(allowed.stdout).toEndWith("1 passed, 0 failed, 1 skipped\n");
    expect(allowed.status).toBe(0);
    const forbidden = await run("skips", PASSES + SKIPS, { ZTNA_TEST_FORBID_SKIPS: "1" });
    expect(forbidden.stdout).toEndWith("1 passed, 0 failed, 1 skipped\n");
    expect(forbidden.status).toBe(1);
  });
});

test("whatever tests leave in the temporary directory is gone afterwards", async () => {
  const leave = 'await Bun.write(join(tmpdir(), "left"), ""); console.log("left in", tmpdir());';
  const body = `import { join } from "node:path";\nimport { tmpdir } from "node:os";\ntest("leaves", async () => { ${leave} });`;
  const { status, stdout } = await run("leaves", body);
  const [, directory = ""] = /^left in (.*)$/m.exec(stdout) ?? [];
  expect([status, directory === tmpdir(), existsSync(directory)]).toEqual([0, false, false]);
});

describe("the arithmetic", () => {
  const summary =
    "\n 12 pass\n 3 skip\n 1 todo\n 2 fail\n 1 error\n 99 expect() calls\nRan 18 tests across 2 files. [1ms]\n";

  test("reads bun's summary", () => {
    expect(countsOf(`(pass) 7 fail\n\n${summary}`)).toEqual({ passed: 12, failed: 2, skipped: 4 });
    expect(closingLine({ passed: 12, failed: 2, skipped: 4 })).toBe("12 passed, 2 failed, 4 skipped");
  });

  test("a run without a summary has failed, whatever its status", () => {
    expect(countsOf("Segmentation fault")).toBeUndefined();
    expect(verdict(undefined, 0, false)).toEqual({ counts: { passed: 0, failed: 1, skipped: 0 }, status: 1 });
  });

  test("a status that is not 0 outweighs a good summary", () => {
    const good = { passed: 5, failed: 0, skipped: 0 };
    expect(verdict(good, 0, true).status).toBe(0);
    expect(verdict(good, 137, false)).toEqual({ counts: { ...good, failed: 1 }, status: 1 });
  });
});
