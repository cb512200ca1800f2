// Sizes a socket's kernel buffers. Bun has no option for it, and the default holds fewer than a hundred packets.

import { SO_RCVBUF, SO_SNDBUF } from "./kernel-socket.ts";
import { openLibc, readOption, setOption } from "./libc.ts";
import { SOL_SOCKET } from "./receive-ring.ts";

/** What the kernel gave, in bytes; 0 where it could not be asked. */
export interface BufferSizes {
  readonly receive: number;
  readonly send: number;
}

export function sizeSocketBuffers(socket: object, bytes = DEFAULT_BUFFER_BYTES): BufferSizes {
  const fd = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
  const libc = openLibc();
  if (libc === undefined || fd < 0) return { receive: 0, send: 0 };
  const size = (option: number) => {
    setOption(libc, fd, SOL_SOCKET, option, bytes);
    // The kernel reports twice what may be used: the other half is its own bookkeeping.
    return (readOption(libc, fd, SOL_SOCKET, option) ?? 0) / 2;
  };
  return { receive: size(SO_RCVBUF), send: size(SO_SNDBUF) };
}

export const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
