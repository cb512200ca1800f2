// `bun test/bench/startup.ts`: how long commands take to start, as multiples of a compiled program that does nothing.
import { requireBinary } from "../support/binary.ts";
import { buildEmptyProgram, measureStartup } from "../support/startup.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const COMMANDS = ["--help", "--version", "serve --help", "connect --help", "certs issue --help", "completion bash"];
const ROUNDS = 40;

requireBinary();
using directory = temporaryDirectory();
const empty = await buildEmptyProgram(directory);
for (const { command, millis, ratio } of measureStartup(empty, COMMANDS, ROUNDS)) {
  console.log(`${command.padEnd(20)} ${millis.toFixed(1).padStart(6)} ms  ${ratio.toFixed(1)} × an empty program`);
}
