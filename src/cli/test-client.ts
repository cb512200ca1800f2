// `ztna test-client`: a scripted agent for CI and scripts, with the flags, lines and statuses of the reference client.
import { EXIT } from "./errors.ts";
import { readOptions } from "./options.ts";
import type { Run } from "./terminal.ts";
import { TEST_CLIENT } from "./test-client-options.ts";

export const run: Run = async (args, terminal) => {
  // The reference writes its usage to standard error, where no script takes it for data.
  const settings = await readOptions(TEST_CLIENT, args, { ...terminal, out: terminal.err });
  if (settings === undefined) return EXIT.done;
  const { testRun } = await import("./test-client-plan.ts");
  const planned = testRun(settings);
  const { runTestClient } = await import("./test-client-run.ts");
  return runTestClient(settings, planned, terminal);
};
