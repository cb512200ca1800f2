// Asks the kernel to change links, addresses and routes, without the help of any program. Needs CAP_NET_ADMIN.
import { ptr } from "bun:ffi";
import { type Libc, systemError } from "./libc.ts";
import { answerTo } from "./netlink-message.ts";

export class Netlink {
  readonly #libc: Libc;
  readonly #fd: number;
  #sequence = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (this.#fd < 0) throw systemError(libc, "netlink");
  }

  /** Sends one request and waits for its answer, which the kernel gives at once. Throws the system's error. */
  request(what: string, encode: (sequence: number) => Uint8Array): void {
    const sequence = ++this.#sequence;
    const message = encode(sequence);
    if (this.#libc.send(this.#fd, ptr(message), message.length, 0) < 0) throw systemError(this.#libc, what);
    const answer = new Uint8Array(ANSWER_BYTES);
    for (;;) {
      const length = this.#libc.recv(this.#fd, ptr(answer), answer.length, 0);
      if (length < 0) throw systemError(this.#libc, what);
      const errno = answerTo(sequence, answer.subarray(0, length));
      if (errno === 0) return;
      if (errno !== undefined) throw systemError(this.#libc, what, errno);
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const ANSWER_BYTES = 8192;
