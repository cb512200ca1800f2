// Runs `bun test` on the given paths, shows its output as it comes, and ends with "N passed, N failed[, N skipped]".
// With ZTNA_TEST_FORBID_SKIPS=1 (root with /dev/net/tun in .ci/run) a skipped test is a failure.
import { chmodSync } from "node:fs";
import { ROOT } from "./repository.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The totals of bun's closing summary; undefined when it never came to one. */
export function countsOf(output: string): Counts | undefined {
  const plain = Bun.stripANSI(output);
  const summary = plain.slice(plain.lastIndexOf("\n\n"));
  if (!/^Ran \d+ tests? across /m.test(summary)) return undefined;
  const count = (what: string) => Number(new RegExp(`^\\s*(\\d+) ${what}$`, "m").exec(summary)?.[1] ?? 0);
  return { passed: count("pass"), failed: count("fail"), skipped: count("skip") + count("todo") };
}

export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** What bun said about itself counts as much as its numbers: a crash or an error between tests is a failure too. */
export function verdict(
  counts: Counts | undefined,
  exitCode: number,
  forbidSkips: boolean,
): { counts: Counts; status: number } {
  const seen = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const broken = exitCode !== 0 || counts === undefined || seen.passed + seen.failed === 0;
  const failed = broken ? Math.max(1, seen.failed) : seen.failed;
  const forbidden = forbidSkips && seen.skipped > 0;
  return { counts: { ...seen, failed }, status: failed > 0 || forbidden ? 1 : 0 };
}

async function main(paths: readonly string[]): Promise<number> {
  // Bun tells tests nothing when it ends, so what they leave behind – keys, unpacked programs – is removed from here.
  using temporary = temporaryDirectory();
  // A server that refuses to run as root gets a directory of its own in there: it may pass, but not look around.
  chmodSync(temporary.path, 0o711);
  const child = Bun.spawn([process.execPath, "test", "--timeout", `${TIMEOUT_MS}`, ...paths], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary.path },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", forward).once("SIGTERM", forward);
  const output = await showAndKeep(child.stderr);
  const forbidSkips = process.env.ZTNA_TEST_FORBID_SKIPS === "1";
  const { counts, status } = verdict(countsOf(output), await child.exited, forbidSkips);
  if (forbidSkips && counts.skipped > 0) console.error("Nothing may be skipped here: this machine can run every test.");
  console.log(closingLine(counts));
  return status;
}

/** Only the end is kept: the summary is short, a failing run's output need not be. */
async function showAndKeep(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let kept = "";
  for await (const chunk of stream) {
    process.stderr.write(chunk);
    kept = (kept + decoder.decode(chunk, { stream: true })).slice(-KEPT);
  }
  return kept;
}

const KEPT = 16_384;
/** Of a test that names no time of its own. The settings file has no key for it. */
const TIMEOUT_MS = 30_000;

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
