// Ends a process whose event loop no longer turns, as an endless loop in native code makes it. Nothing of ours runs then,
// so the kernel does it: a timer that counts the process's own time in user mode and is wound up every second.
// A process that was stopped, or waits, uses no such time and is left alone.
import { ptr } from "bun:ffi";
import type { Libc } from "./libc.ts";

export class Watchdog {
  readonly #libc: Libc | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  /** struct itimerval: what it repeats with, and what is left; each as seconds and microseconds. */
  readonly #setting = new BigInt64Array(4);

  /** After so many seconds of processor time without a turn the process ends by SIGVTALRM. Without libc: never. */
  constructor(libc: Libc | undefined, limitSeconds = LIMIT_SECONDS) {
    this.#libc = libc;
    this.#timer = setInterval(() => this.#wind(limitSeconds), WIND_MS);
    this.#wind(limitSeconds);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#wind(0);
  }

  #wind(seconds: number): void {
    this.#setting[2] = BigInt(seconds);
    this.#libc?.setitimer(ITIMER_VIRTUAL, ptr(this.#setting), null);
  }
}

const ITIMER_VIRTUAL = 1;
const WIND_MS = 1000;
/** Far more than the longest turn: a collection of garbage on all processors, a flood on the portable socket. */
const LIMIT_SECONDS = 10;
