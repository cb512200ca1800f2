// What a daemon holds against itself.
import { beforeAll, expect, test } from "bun:test";
import { requireBinary } from "../support/binary.ts";
import { startRelay } from "../support/daemons.ts";
import { testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(requireBinary);

test("a relay that is larger than it may be drains, says why and ends with 1", async () => {
  using directory = temporaryDirectory();
  await using relay = await startRelay({ cwd: directory.path, flags: ["--max-memory", "1"] });
  const { status, stderr } = await relay.process.ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/ memory-ceiling resident_mib=\d+ max_memory=1\n.* draining reason=memory-ceiling /s);
});

test("a relay whose event loop hangs is ended by its watchdog", async () => {
  using directory = temporaryDirectory();
  // Nothing that reaches a relay makes it hang, so it runs from source with an endless loop beside it.
  const hang = directory.write("hang.ts", "setTimeout(() => { for (;;); }, 1000);");
  const { server, ca } = await testPki();
  const files = ["--cert", server.certFile, "--key", server.keyFile, "--ca-cert", ca.certFile];
  const where = ["--bind", "127.0.0.1", "--port", "0", "--metrics-port", "0"];
  const command = [process.execPath, "--preload", hang, "bin/ztna.ts", "serve", ...where, ...files];
  const { signal, stderr } = await runProcess(command, { timeoutMs: 100_000 });
  expect(stderr).toContain("listening 127.0.0.1:");
  expect(signal).toBe("SIGVTALRM");
}, 120_000);
