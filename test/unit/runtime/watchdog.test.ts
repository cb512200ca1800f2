// The watchdog of a process, in processes of their own.
import { expect, test } from "bun:test";
import { runProcess, source } from "../../support/process.ts";

const WATCHED = "test/support/watched-process.ts";

test("a process whose event loop hangs is ended", async () => {
  const { signal, stdout } = await runProcess(source(WATCHED, "hang"));
  expect({ signal, stdout }).toEqual({ signal: "SIGVTALRM", stdout: "hanging\n" });
});

test("one that works longer than the limit, but turns, is not; nor one that hangs after close", async () => {
  const { signal, status, stdout } = await runProcess(source(WATCHED, "work"));
  expect({ signal, status, stdout }).toEqual({ signal: undefined, status: 0, stdout: "worked\n" });
});
