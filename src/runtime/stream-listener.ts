// Accepts TCP connections. Without descriptors left it rests a moment: those that wait stay in the kernel's queue.
import { EPOLLIN, type Watched } from "./epoll.ts";
import { acceptStream, closeStream, listenStream } from "./kernel-stream.ts";
import type { StreamShell } from "./stream-shell.ts";

export class StreamListener implements Watched {
  readonly fd: number;
  readonly port: number;
  readonly #shell: StreamShell;
  readonly #accepted: (fd: number, host: string) => void;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Throws an Error whose `code` is the system's name for what is wrong. */
  constructor(shell: StreamShell, host: string, port: number, accepted: (fd: number, host: string) => void) {
    const bound = listenStream(shell.libc, host, port);
    this.fd = bound.fd;
    this.port = bound.port;
    this.#shell = shell;
    this.#accepted = accepted;
    shell.epoll.watch(this, EPOLLIN);
  }

  ready(): void {
    for (let accepted = 0; accepted < ACCEPTED_PER_TURN && !this.#closed; accepted++) {
      const connection = acceptStream(this.#shell.libc, this.fd);
      if (connection === "later") return;
      if (connection === "broken") return this.#pause();
      this.#accepted(connection.fd, connection.host);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#rest);
    this.#shell.epoll.ignore(this);
    closeStream(this.#shell.libc, this.fd, false);
  }

  #pause(): void {
    this.#shell.epoll.ignore(this);
    this.#rest = setTimeout(() => this.#shell.epoll.watch(this, EPOLLIN), REST_MS);
  }
}

const ACCEPTED_PER_TURN = 64;
const REST_MS = 100;
