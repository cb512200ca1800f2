// One poll() for our descriptors and for Bun's own event loop, which is an epoll descriptor and so can be polled like
// any other. It relies on an internal of Bun, so it is tried before it is used; without it the portable socket serves:
// a worker that watched descriptors for us would cost a message for each wake-up, which is what the portable one costs.
//
// JavaScript timers do not make Bun's descriptor readable: the loop never blocks longer than MAX_WAIT_MS (more while
// nothing happens) and turns Bun's loop at least that often. A flood cannot keep it from turning either, as each
// wake-up takes a bounded batch.
import { ptr } from "bun:ffi";
import { readdirSync, readlinkSync } from "node:fs";
import type { Millis } from "../core/machine.ts";
import type { Clock } from "./clock.ts";
import type { Libc } from "./libc.ts";

export interface Polled {
  readonly fd: number;
  /** Takes a bounded batch. */
  readable(): void;
  writable(): void;
  /** Whether it waits for room. */
  wantsWrite(): boolean;
  /** Whether it would take a batch now; without it, always. */
  wantsRead?(): boolean;
}

/** Sends what is ready and says when it next wants to be called. */
export type Flush = () => Millis | undefined;

/** One for a process: two that wait in turn would each wait for the other's packets. */
export class PollLoop {
  readonly #libc: Libc;
  readonly #clock: Clock;
  readonly #runtime: readonly number[];
  #polled: readonly Polled[] = [];
  #flushes: readonly Flush[] = [];
  /** struct pollfd: fd 4 | events 2 | revents 2 (the upper half of the second word). */
  #fds: Int32Array;
  #running = false;
  /** When one of our descriptors last had something to do. */
  #busyAt: Millis = 0;

  constructor(libc: Libc, clock: Clock, runtime: readonly number[]) {
    this.#libc = libc;
    this.#clock = clock;
    this.#runtime = runtime;
    this.#fds = new Int32Array(2 * runtime.length);
  }

  /** Polls these and calls `flush` before every wait, until remove() is called with the same. */
  add(polled: readonly Polled[], flush: Flush): void {
    if (this.#flushes.includes(flush)) return;
    this.#change([...this.#polled, ...polled], [...this.#flushes, flush]);
    if (this.#running) return;
    this.#running = true;
    setImmediate(this.#turn);
  }

  remove(polled: readonly Polled[], flush: Flush): void {
    this.#change(
      this.#polled.filter((one) => !polled.includes(one)),
      this.#flushes.filter((one) => one !== flush),
    );
  }

  #change(polled: readonly Polled[], flushes: readonly Flush[]): void {
    this.#polled = polled;
    this.#flushes = flushes;
    this.#fds = new Int32Array(2 * (polled.length + this.#runtime.length));
  }

  readonly #turn = (): void => {
    try {
      this.#work();
    } finally {
      // A bug costs one turn, not the loop.
      this.#running = this.#flushes.length > 0;
      if (this.#running) setImmediate(this.#turn);
    }
  };

  /** Works until Bun's loop has to turn. */
  #work(): void {
    const start = this.#clock.now();
    const turnBy = start + (start - this.#busyAt < IDLE_AFTER_MS ? MAX_WAIT_MS : MAX_IDLE_WAIT_MS);
    for (let round = 0; round < ROUNDS_PER_TURN && this.#flushes.length > 0; round++) {
      let wakeAt = turnBy;
      for (const flush of this.#flushes) wakeAt = Math.min(wakeAt, flush() ?? turnBy);
      const now = this.#clock.now();
      // The first round always looks at the sockets, however long the flush took.
      if ((round > 0 && now >= turnBy) || this.#wait(Math.max(0, Math.ceil(wakeAt - now)))) return;
    }
  }

  /** True when Bun's loop has something to do. */
  #wait(timeoutMs: number): boolean {
    const polled = this.#polled;
    const fds = this.#fds;
    for (let i = 0; i < polled.length; i++) {
      fds[2 * i] = polled[i]!.fd;
      fds[2 * i + 1] = eventsOf(polled[i]!);
    }
    for (let i = 0; i < this.#runtime.length; i++) {
      fds[2 * (polled.length + i)] = this.#runtime[i]!;
      fds[2 * (polled.length + i) + 1] = POLLIN;
    }
    if (this.#libc.poll(ptr(fds), fds.length / 2, timeoutMs) <= 0) return false;
    for (let i = 0; i < polled.length; i++) {
      const events = fds[2 * i + 1]! >> 16;
      if (events !== 0) this.#busyAt = this.#clock.now();
      if ((events & POLLOUT) !== 0) polled[i]!.writable();
      if ((events & (POLLIN | POLLERR)) !== 0) polled[i]!.readable();
    }
    for (let i = polled.length; i < fds.length / 2; i++) if (fds[2 * i + 1]! >> 16 !== 0) return true;
    return false;
  }
}

function eventsOf(polled: Polled): number {
  const input = polled.wantsRead?.() === false ? 0 : POLLIN;
  return polled.wantsWrite() ? input | POLLOUT : input;
}

/** Descriptors of Bun's event loop; empty where it cannot be found or does not behave as it has to. */
export async function runtimeDescriptors(libc: Libc): Promise<readonly number[]> {
  const found = epollDescriptors();
  return found.length > 0 && (await wakes(libc, found)) ? found : [];
}

function epollDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((fd) => isEpoll(fd));
  } catch {
    return [];
  }
}

function isEpoll(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).includes("[eventpoll]");
  } catch {
    return false;
  }
}

/** Sends Bun a packet and looks whether its descriptor tells, without letting its loop turn. */
async function wakes(libc: Libc, descriptors: readonly number[]): Promise<boolean> {
  const receiver = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  try {
    receiver.send(new Uint8Array(1), receiver.port, "127.0.0.1");
    const fds = new Int32Array(descriptors.flatMap((fd) => [fd, POLLIN]));
    return libc.poll(ptr(fds), descriptors.length, SELF_TEST_MS) > 0;
  } finally {
    receiver.close();
  }
}

const MAX_WAIT_MS = 10;
/** Nothing happens: timers of the runtime may wait longer, and the processor sleeps. */
const MAX_IDLE_WAIT_MS = 50;
const IDLE_AFTER_MS = 1000;
/** Native objects are freed only when Bun's loop turns. */
const ROUNDS_PER_TURN = 64;
const SELF_TEST_MS = 100;
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
