// One TCP socket of the kernel through system calls: unlike the runtime's own it can be given up while it connects, says
// how much it takes, and resets.
import { ptr } from "bun:ffi";
import type { StreamFailure } from "../tunnel/stream.ts";
import { errnoOf, type Libc, readOption, setOption, systemError } from "./libc.ts";
import { AF_INET, AF_INET6, readHost, readPort, SOCKADDR_BYTES, writeSocketAddress } from "./socket-address.ts";

/** Starts to connect to an IP literal. Returns the descriptor, or why there is none. */
export function connectStream(libc: Libc, host: string, port: number): number | StreamFailure {
  const family = host.includes(":") ? AF_INET6 : AF_INET;
  const fd = libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return "no-socket";
  setOption(libc, fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const name = new Uint8Array(SOCKADDR_BYTES);
  const nameBytes = writeSocketAddress(name, 0, family, host, port);
  if (libc.connect(fd, ptr(name), nameBytes) === 0) return fd;
  const errno = errnoOf(libc);
  if (errno === EINPROGRESS) return fd;
  libc.close(fd);
  return failureOf(errno);
}

/** Once a connecting socket is writable: undefined when it is connected. */
export function connectFailure(libc: Libc, fd: number): StreamFailure | undefined {
  const errno = readOption(libc, fd, SOL_SOCKET, SO_ERROR) ?? 0;
  return errno === 0 ? undefined : failureOf(errno);
}

/** Whether an error has befallen the socket. Asking forgets it. */
export function hasFailed(libc: Libc, fd: number): boolean {
  return (readOption(libc, fd, SOL_SOCKET, SO_ERROR) ?? 0) !== 0;
}

/** Bytes read into `buffer`; 0 at the end of the stream; "later", or "broken". */
export function readStream(libc: Libc, fd: number, buffer: Uint8Array): number | "later" | "broken" {
  const count = libc.recv(fd, ptr(buffer), buffer.length, 0);
  return count >= 0 ? count : problem(libc);
}

/** How many of the bytes the kernel took; 0 when its buffer is full. */
export function writeStream(libc: Libc, fd: number, bytes: Uint8Array): number | "broken" {
  const count = libc.send(fd, ptr(bytes), bytes.length, MSG_NOSIGNAL);
  if (count >= 0) return count;
  return problem(libc) === "later" ? 0 : "broken";
}

export function endStream(libc: Libc, fd: number): void {
  libc.shutdown(fd, SHUT_WR);
}

/** What was written still arrives, unless `reset`. */
export function closeStream(libc: Libc, fd: number, reset: boolean): void {
  if (reset) libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, ptr(new Int32Array([1, 0])), 8);
  libc.close(fd);
}

/** Listens at an IP literal. Throws an Error whose `code` is the system's name for what is wrong. */
export function listenStream(libc: Libc, host: string, port: number): { readonly fd: number; readonly port: number } {
  const family = host.includes(":") ? AF_INET6 : AF_INET;
  const fd = libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(libc, "socket");
  setOption(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  const name = new Uint8Array(SOCKADDR_BYTES);
  const nameBytes = writeSocketAddress(name, 0, family, host, port);
  const bound = libc.bind(fd, ptr(name), nameBytes) === 0 && libc.listen(fd, BACKLOG) === 0;
  const size = new Uint32Array([SOCKADDR_BYTES]);
  if (bound && libc.getsockname(fd, ptr(name), ptr(size)) === 0) return { fd, port: readPort(name, 0) };
  const error = systemError(libc, "listen");
  libc.close(fd);
  throw error;
}

/** The next connection that waits: its descriptor and the address it comes from; "later", or "broken" for want of descriptors. */
export function acceptStream(
  libc: Libc,
  fd: number,
): { readonly fd: number; readonly host: string } | "later" | "broken" {
  const name = new Uint8Array(SOCKADDR_BYTES);
  const size = new Uint32Array([SOCKADDR_BYTES]);
  const accepted = libc.accept4(fd, ptr(name), ptr(size), SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) return errnoOf(libc) === ECONNABORTED ? acceptStream(libc, fd) : problem(libc);
  setOption(libc, accepted, IPPROTO_TCP, TCP_NODELAY, 1);
  return { fd: accepted, host: readHost(name, 0) };
}

function problem(libc: Libc): "later" | "broken" {
  const errno = errnoOf(libc);
  return errno === EAGAIN || errno === EINTR ? "later" : "broken";
}

function failureOf(errno: number): StreamFailure {
  if (errno === ECONNREFUSED || errno === ECONNRESET) return "refused";
  return UNREACHABLE.has(errno) ? "unreachable" : "no-socket";
}

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const BACKLOG = 128;
const EINTR = 4;
const EAGAIN = 11;
const ECONNABORTED = 103;
const ECONNRESET = 104;
const ECONNREFUSED = 111;
const EINPROGRESS = 115;
/** EACCES and EPERM (a firewall), ENETDOWN, ENETUNREACH, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH. */
const UNREACHABLE: ReadonlySet<number> = new Set([1, 13, 100, 101, 110, 112, 113]);
