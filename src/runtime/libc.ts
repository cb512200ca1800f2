// The system calls that Bun has no door for, through its foreign-function interface. Linux with glibc only.
import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import { getSystemErrorName } from "node:util";

export type Libc = NonNullable<ReturnType<typeof load>>;

/** Loaded once for the process; undefined where there is no glibc to load. */
export function openLibc(): Libc | undefined {
  opened ??= { libc: load() };
  return opened.libc;
}

function load() {
  if (process.platform !== "linux") return undefined;
  const { i32, u32, u64, ptr: pointer } = FFIType;
  try {
    const { symbols } = dlopen("libc.so.6", {
      socket: { args: [i32, i32, i32], returns: i32 },
      bind: { args: [i32, pointer, u32], returns: i32 },
      getsockname: { args: [i32, pointer, pointer], returns: i32 },
      setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
      getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
      recvmmsg: { args: [i32, pointer, u32, i32, pointer], returns: i32 },
      sendmmsg: { args: [i32, pointer, u32, i32], returns: i32 },
      poll: { args: [pointer, u64, i32], returns: i32 },
      open: { args: [pointer, i32], returns: i32 },
      ioctl: { args: [i32, u64, pointer], returns: i32 },
      if_nametoindex: { args: [pointer], returns: u32 },
      connect: { args: [i32, pointer, u32], returns: i32 },
      listen: { args: [i32, i32], returns: i32 },
      accept4: { args: [i32, pointer, pointer, i32], returns: i32 },
      // Of the 64 bits that these return, our lengths and -1 need no more than 32.
      recv: { args: [i32, pointer, u64, i32], returns: i32 },
      send: { args: [i32, pointer, u64, i32], returns: i32 },
      read: { args: [i32, pointer, u64], returns: i32 },
      write: { args: [i32, pointer, u64], returns: i32 },
      shutdown: { args: [i32, i32], returns: i32 },
      epoll_create1: { args: [i32], returns: i32 },
      epoll_ctl: { args: [i32, i32, i32, pointer], returns: i32 },
      epoll_wait: { args: [i32, pointer, i32, i32], returns: i32 },
      close: { args: [i32], returns: i32 },
      setitimer: { args: [i32, pointer, pointer], returns: i32 },
      __errno_location: { args: [], returns: pointer },
    });
    return symbols;
  } catch {
    return undefined;
  }
}

/** The last system call's error number. To be read at once. */
export function errnoOf(libc: Libc): number {
  const location = libc.__errno_location();
  return location === null ? 0 : read.i32(location, 0);
}

/** What went wrong with the last system call; its `code` is the system's name for it. */
export function systemError(libc: Libc, call: string, errno = errnoOf(libc)): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call}: ${code}`), { code, errno });
}

/** Sets an integer option; false when the kernel refuses. */
export function setOption(libc: Libc, fd: number, level: number, option: number, value: number): boolean {
  const wanted = new Int32Array([value]);
  return libc.setsockopt(fd, level, option, ptr(wanted), 4) === 0;
}

export function readOption(libc: Libc, fd: number, level: number, option: number): number | undefined {
  const given = new Int32Array(1);
  const size = new Uint32Array([4]);
  return libc.getsockopt(fd, level, option, ptr(given), ptr(size)) === 0 ? given[0] : undefined;
}

/** The address of a buffer's first byte as a number that structures can hold. */
export function addressOf(buffer: Uint8Array): number {
  return ptr(buffer) as Pointer;
}

let opened: { readonly libc: Libc | undefined } | undefined;
