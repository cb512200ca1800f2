// What waits for a process's stream sockets: part of the loop that waits for packets, so that a wake-up brings both.
import { Epoll } from "./epoll.ts";
import { type Libc, openLibc } from "./libc.ts";
import type { Polled } from "./poll-loop.ts";
import { processLoop } from "./process-loop.ts";

export interface StreamShell {
  readonly libc: Libc;
  readonly epoll: Epoll;
  close(): void;
}

/** Undefined where there are no system calls to make. */
export async function openStreamShell(): Promise<StreamShell | undefined> {
  const shared = await processLoop();
  const libc = shared?.libc ?? openLibc();
  if (libc === undefined) return undefined;
  const epoll = new Epoll(libc);
  if (shared === undefined) {
    const timer = setInterval(() => epoll.dispatch(), WITHOUT_LOOP_MS);
    const close = () => {
      clearInterval(timer);
      epoll.close();
    };
    return { libc, epoll, close };
  }
  const { loop } = shared;
  const polled: Polled = {
    fd: epoll.fd,
    readable: () => void epoll.dispatch(),
    writable: () => {},
    wantsWrite: () => false,
  };
  const flush = () => undefined;
  loop.add([polled], flush);
  const close = () => {
    loop.remove([polled], flush);
    epoll.close();
  };
  return { libc, epoll, close };
}

/** Where Bun's own descriptor cannot be waited for, ours is looked at so often. */
const WITHOUT_LOOP_MS = 2;
