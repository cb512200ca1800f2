// A process under a watchdog of two seconds. "hang": an endless loop. "work": turns while it works for longer than that,
// and works as long again without a turn once the watchdog is closed.
import { openLibc } from "../../src/runtime/libc.ts";
import { Watchdog } from "../../src/runtime/watchdog.ts";

const LIMIT_SECONDS = 2;
const OVER_MS = 2500;

/** Of this process in user mode. */
function userMs(): number {
  return process.cpuUsage().user / 1000;
}

function useUp(ms: number): void {
  const end = userMs() + ms;
  let sum = 0;
  // Asking the kernel for the time is no time in user mode.
  while (userMs() < end) for (let i = 0; i < 1e6; i++) sum += i % 7;
  if (sum < 0) throw new Error("unreachable: keeps the loop");
}

const watchdog = new Watchdog(openLibc(), LIMIT_SECONDS);
if (process.argv[2] === "hang") {
  process.stdout.write("hanging\n");
  for (;;);
}
const end = userMs() + OVER_MS;
while (userMs() < end) {
  useUp(50);
  await new Promise<void>((next) => setTimeout(next, 1));
}
watchdog.close();
useUp(OVER_MS);
process.stdout.write("worked\n");
