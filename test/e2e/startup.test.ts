// Start-up: what everybody waits for with every command.
import { expect, test } from "bun:test";
import { requireBinary } from "../support/binary.ts";
import { buildEmptyProgram, measureStartup } from "../support/startup.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("the help is there in at most three times what an empty compiled program takes", async () => {
  requireBinary();
  using directory = temporaryDirectory();
  const empty = await buildEmptyProgram(directory);
  const [help] = measureStartup(empty, ["--help"], ROUNDS);
  expect(help?.ratio).toBeLessThanOrEqual(3);
}, 60_000);

const ROUNDS = 30;
