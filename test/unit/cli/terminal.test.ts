// Standard input as commands read it: whole, or not at all. Output as readers get it: whole, however late they come.
import { expect, test } from "bun:test";
import { readBounded } from "../../../src/cli/terminal.ts";
import { ROOT, runProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("what fits is returned whole, what does not fit is not read to its end", async () => {
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled++;
      yield new Uint8Array(100).fill(7);
    }
  }
  expect(await readBounded(endless(), 1000)).toBeUndefined();
  expect(pulled).toBe(11);
  async function* two() {
    yield new Uint8Array([1, 2]);
    yield new Uint8Array([3]);
  }
  expect(await readBounded(two(), 3)).toEqual(Buffer.from([1, 2, 3]));
  expect(await readBounded(two(), 2)).toBeUndefined();
});

test("an exit cuts nothing off, though the reader comes late and a pipe holds 64 KB", async () => {
  using directory = temporaryDirectory();
  const program = directory.write(
    "write.ts",
    `import { flushOutput, processTerminal } from ${JSON.stringify(`${ROOT}/src/cli/terminal.ts`)};
    const terminal = processTerminal();
    terminal.out("first\\n");
    terminal.out("x".repeat(300_000));
    terminal.err("y".repeat(200_000));
    await flushOutput();
    process.exit(0);`,
  );
  const late = (output: string) => `'${process.execPath}' '${program}' ${output} | (sleep 0.5; wc -c)`;
  for (const [output, bytes] of [
    ["2>/dev/null", 300_006],
    ["2>&1 >/dev/null", 200_000],
  ] as const) {
    expect((await runProcess(["sh", "-c", late(output)])).stdout.trim()).toBe(String(bytes));
  }
});
