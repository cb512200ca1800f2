// The one loop of this process that waits for raw descriptors and for Bun's own, made when it is first needed.
import { monotonicClock } from "./clock.ts";
import { type Libc, openLibc } from "./libc.ts";
import { PollLoop, runtimeDescriptors } from "./poll-loop.ts";

export interface ProcessLoop {
  readonly libc: Libc;
  readonly loop: PollLoop;
}

/**
 * Undefined where it cannot be had. Epoll descriptors of our own must not be opened before: among them Bun's would not
 * be known.
 */
export function processLoop(): Promise<ProcessLoop | undefined> {
  made ??= make();
  return made;
}

async function make(): Promise<ProcessLoop | undefined> {
  const libc = openLibc();
  if (libc === undefined) return undefined;
  const runtime = await runtimeDescriptors(libc);
  return runtime.length === 0 ? undefined : { libc, loop: new PollLoop(libc, monotonicClock, runtime) };
}

let made: Promise<ProcessLoop | undefined> | undefined;
