// A TCP port of loopback that answers no SYN: it listens, accepts nothing, and its queue is full.
import { ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { closeStream, connectStream } from "../../src/runtime/kernel-stream.ts";
import { openLibc } from "../../src/runtime/libc.ts";
import { AF_INET, readPort, SOCKADDR_BYTES, writeSocketAddress } from "../../src/runtime/socket-address.ts";

export interface BlackHole extends Disposable {
  readonly port: number;
  /** Connection attempts that wait for an answer, besides our own that fill the queue. */
  readonly attempts: number;
  close(): void;
}

export function blackHole(): BlackHole {
  const libc = openLibc();
  if (libc === undefined) throw new Error("no system calls here");
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const name = new Uint8Array(SOCKADDR_BYTES);
  const size = writeSocketAddress(name, 0, AF_INET, "127.0.0.1", 0);
  if (libc.bind(fd, ptr(name), size) !== 0 || libc.listen(fd, 0) !== 0) throw new Error("cannot listen");
  libc.getsockname(fd, ptr(name), ptr(new Uint32Array([SOCKADDR_BYTES])));
  const port = readPort(name, 0);
  const filling = Array.from({ length: FILLING }, () => connectStream(libc, "127.0.0.1", port));
  const own = waiting(port);
  const close = () => {
    for (const one of [...filling, fd]) if (typeof one === "number") closeStream(libc, one, true);
  };
  return {
    port,
    close,
    [Symbol.dispose]: close,
    get attempts() {
      return waiting(port) - own;
    },
  };
}

/** Sockets of this host in the state SYN-SENT towards the port. */
function waiting(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")} 02 `;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .filter((line) => line.includes(remote)).length;
}

const SOCK_STREAM = 1;
/** One is accepted by the kernel for the queue of length 0; the last ones get no answer. */
const FILLING = 3;
