// Sizes a socket's kernel buffers. Bun has no option for it, and the default holds fewer than a hundred packets.
import { dlopen, FFIType, ptr } from "bun:ffi";

/** What the kernel gave, in bytes; 0 where it could not be asked. */
export interface BufferSizes {
  readonly receive: number;
  readonly send: number;
}

export function sizeSocketBuffers(socket: object, bytes = DEFAULT_BUFFER_BYTES): BufferSizes {
  const descriptor = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
  if (process.platform !== "linux" || descriptor < 0) return { receive: 0, send: 0 };
  const wanted = new Int32Array([bytes]);
  return { receive: setAndAsk(descriptor, SO_RCVBUF, wanted), send: setAndAsk(descriptor, SO_SNDBUF, wanted) };
}

function setAndAsk(descriptor: number, option: number, wanted: Int32Array): number {
  const libc = openLibc();
  if (libc === undefined) return 0;
  libc.setsockopt(descriptor, SOL_SOCKET, option, ptr(wanted), 4);
  const given = new Int32Array(1);
  const size = new Uint32Array([4]);
  // The kernel reports twice what may be used: the other half is its own bookkeeping.
  return libc.getsockopt(descriptor, SOL_SOCKET, option, ptr(given), ptr(size)) === 0 ? given[0]! / 2 : 0;
}

function openLibc() {
  const { i32, u32, ptr: pointer } = FFIType;
  try {
    return dlopen("libc.so.6", {
      setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
      getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
    }).symbols;
  } catch {
    return undefined;
  }
}

export const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
