// One stream and its socket: connecting to one address after the other, reading while wanted, writing while the kernel
// takes it, and each direction's end by itself.
import type { StreamEvent, StreamFailure, StreamId } from "../tunnel/stream.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, type Watched } from "./epoll.ts";
import {
  closeStream,
  connectFailure,
  connectStream,
  endStream,
  hasFailed,
  readStream,
  writeStream,
} from "./kernel-stream.ts";
import type { StreamShell } from "./stream-shell.ts";

export interface StreamOwner {
  emit(event: StreamEvent): void;
  opened(): void;
  /** Both are called once at most, and then close(). */
  failed(stream: StreamSocket, reason: StreamFailure): void;
  broken(stream: StreamSocket): void;
  read(bytes: number): void;
  written(bytes: number): void;
}

export class StreamSocket implements Watched {
  readonly id: StreamId;
  fd = -1;
  readonly #owner: StreamOwner;
  #shell: StreamShell | undefined;
  /** Addresses to try when the present one fails. */
  #addresses: readonly string[] = [];
  #port = 0;
  #connecting = false;
  #reading = true;
  #ended = false;
  #blocked = false;
  /** What epoll was last told; undefined: nothing. */
  #watched: number | undefined;

  constructor(id: StreamId, owner: StreamOwner) {
    this.id = id;
    this.#owner = owner;
  }

  /** Takes a socket that is connected. It is not read from before read(true). */
  adopt(shell: StreamShell, fd: number): void {
    this.#shell = shell;
    this.fd = fd;
    this.#reading = false;
    this.#watch(shell);
  }

  connect(shell: StreamShell, addresses: readonly string[], port: number): void {
    this.#shell = shell;
    this.#addresses = addresses;
    this.#port = port;
    this.#tryNext(shell, "unreachable");
  }

  ready(events: number): void {
    const shell = this.#shell;
    if (shell === undefined) return;
    if (this.#connecting) return this.#connected(shell);
    if ((events & EPOLLERR) !== 0 && hasFailed(shell.libc, this.fd)) return this.#owner.broken(this);
    if ((events & EPOLLOUT) !== 0 && this.#blocked) {
      this.#blocked = false;
      this.#watch(shell);
      this.#owner.emit({ type: "stream-writable", stream: this.id });
    }
    if (this.#shell === undefined) return; // closed meanwhile
    if ((events & (EPOLLIN | EPOLLHUP)) !== 0) this.#receive(shell, events);
  }

  write(bytes: Uint8Array): void {
    const shell = this.#shell;
    const isReady = shell !== undefined && !this.#connecting && !this.#blocked;
    const count = isReady ? writeStream(shell.libc, this.fd, bytes) : 0;
    if (count === "broken") return this.#owner.broken(this);
    this.#owner.written(count);
    if (count < bytes.length && shell !== undefined) {
      this.#blocked = true;
      this.#watch(shell);
    }
    this.#owner.emit({ type: "stream-taken", stream: this.id, count });
  }

  end(): void {
    if (this.#shell !== undefined && !this.#connecting) endStream(this.#shell.libc, this.fd);
  }

  read(wanted: boolean): void {
    this.#reading = wanted;
    if (this.#shell !== undefined) this.#watch(this.#shell);
  }

  close(reset: boolean): void {
    const shell = this.#shell;
    this.#shell = undefined;
    if (shell === undefined || this.fd < 0) return;
    shell.epoll.ignore(this);
    closeStream(shell.libc, this.fd, reset);
    this.fd = -1;
  }

  #tryNext(shell: StreamShell, reason: StreamFailure): void {
    let failure = reason;
    for (let address = this.#addresses[0]; address !== undefined; address = this.#addresses[0]) {
      this.#addresses = this.#addresses.slice(1);
      const fd = connectStream(shell.libc, address, this.#port);
      if (typeof fd === "number") {
        this.fd = fd;
        this.#connecting = true;
        this.#watch(shell);
        return;
      }
      failure = fd;
    }
    this.#owner.failed(this, failure);
  }

  #connected(shell: StreamShell): void {
    const failure = connectFailure(shell.libc, this.fd);
    this.#connecting = false;
    if (failure !== undefined) {
      shell.epoll.ignore(this);
      this.#watched = undefined;
      closeStream(shell.libc, this.fd, false);
      this.fd = -1;
      return this.#tryNext(shell, failure);
    }
    this.#watch(shell);
    this.#owner.opened();
    this.#owner.emit({ type: "stream-opened", stream: this.id });
  }

  /** One piece: the loop calls again while there is more, after others had their turn. */
  #receive(shell: StreamShell, events: number): void {
    if (!this.#reading || this.#ended) {
      // Both directions are over, which epoll would tell again and again.
      if ((events & EPOLLHUP) !== 0) this.#ignore(shell);
      return;
    }
    const count = readStream(shell.libc, this.fd, BUFFER);
    if (count === "broken") return this.#owner.broken(this);
    if (count === "later") return;
    if (count > 0) {
      this.#owner.read(count);
      this.#owner.emit({ type: "stream-data", stream: this.id, bytes: BUFFER.subarray(0, count) });
      return;
    }
    this.#ended = true;
    this.#watch(shell);
    this.#owner.emit({ type: "stream-ended", stream: this.id });
  }

  #watch(shell: StreamShell): void {
    const reading = this.#reading && !this.#ended && !this.#connecting ? EPOLLIN : 0;
    const events = reading | (this.#connecting || this.#blocked ? EPOLLOUT : 0);
    if (events === this.#watched) return;
    this.#watched = events;
    shell.epoll.watch(this, events);
  }

  #ignore(shell: StreamShell): void {
    this.#watched = undefined;
    shell.epoll.ignore(this);
  }
}

/** One for all: what it holds is taken before the next read. */
const BUFFER = new Uint8Array(64 * 1024);
