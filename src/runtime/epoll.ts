// Many sockets behind one descriptor (epoll, level-triggered), so that those that are idle cost a wake-up nothing.
import { ptr } from "bun:ffi";
import type { Libc } from "./libc.ts";

export interface Watched {
  readonly fd: number;
  /** `events` as epoll_wait() gave them. */
  ready(events: number): void;
}

export class Epoll {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #watched = new Map<number, { readonly target: Watched; readonly generation: number }>();
  /** struct epoll_event: events u32 | data u64, without padding on x86-64. Our data: fd u32 | generation u32. */
  readonly #event = new Uint32Array(3);
  readonly #events = new Uint32Array(3 * BATCH);
  #generation = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.fd = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.fd < 0) throw new Error("the kernel has no epoll descriptor left");
  }

  get size(): number {
    return this.#watched.size;
  }

  /** Waits for `events` of a socket; EPOLLERR and EPOLLHUP come unasked. */
  watch(target: Watched, events: number): void {
    const known = this.#watched.get(target.fd);
    const generation = known?.generation ?? ++this.#generation;
    if (known === undefined) this.#watched.set(target.fd, { target, generation });
    this.#event[0] = events;
    this.#event[1] = target.fd;
    this.#event[2] = generation;
    this.#libc.epoll_ctl(this.fd, known === undefined ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, target.fd, ptr(this.#event));
  }

  /** Not even errors of it are of interest. */
  ignore({ fd }: Watched): void {
    if (this.#watched.delete(fd)) this.#libc.epoll_ctl(this.fd, EPOLL_CTL_DEL, fd, ptr(this.#event));
  }

  /** Tells those that are ready, a bounded number of them; does not block. Returns how many. */
  dispatch(): number {
    const count = this.#libc.epoll_wait(this.fd, ptr(this.#events), BATCH, 0);
    for (let i = 0; i < count; i++) {
      const entry = this.#watched.get(this.#events[3 * i + 1]!);
      // One that was closed meanwhile, whose number another one may have.
      if (entry?.generation === this.#events[3 * i + 2]!) entry.target.ready(this.#events[3 * i]!);
    }
    return Math.max(count, 0);
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}

export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;
const BATCH = 64;
