// Opens one UDP socket through system calls, with the options that batching needs.
import { ptr } from "bun:ffi";
import { formatIpv4, isIpv6 as isIpv6Literal } from "../wire/address.ts";
import type { KernelLocal } from "./kernel-address.ts";
import { type Libc, readOption, setOption, systemError } from "./libc.ts";
import {
  IP_PKTINFO,
  IPV6_RECVPKTINFO,
  SO_RXQ_OVFL,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from "./receive-ring.ts";
import {
  AF_INET,
  AF_INET6,
  formatIpv6,
  ipv4At,
  readPort,
  SOCKADDR_BYTES,
  writeSocketAddress,
} from "./socket-address.ts";
import type { BindAddress } from "./udp-socket.ts";

export interface KernelSocket {
  readonly fd: number;
  readonly isIpv6: boolean;
  /** What it is bound to. */
  readonly bound: KernelLocal;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** The addresses of this host that packets came to, where it is bound to all of them. */
  readonly locals: Map<string | number, KernelLocal>;
  /** The kernel's last count of packets that it dropped. */
  overflow: number;
}

export interface BindOptions {
  readonly libc: Libc;
  readonly externalHost?: string | undefined;
  readonly bufferBytes: number;
  readonly replyFromDestination: boolean;
}

/** Throws an Error whose `code` is the system's name for what is wrong. */
export function bindSocket(options: BindOptions, address: BindAddress, index: number): KernelSocket {
  const { libc } = options;
  const isSix = isIpv6Literal(address.host);
  const family = isSix ? AF_INET6 : AF_INET;
  const fd = libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(libc, "socket");
  try {
    return configure(options, address, { fd, family, index });
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function configure(
  { libc, externalHost, bufferBytes, replyFromDestination }: BindOptions,
  address: BindAddress,
  { fd, family, index }: { readonly fd: number; readonly family: number; readonly index: number },
): KernelSocket {
  const isIpv6 = family === AF_INET6;
  // As Bun's sockets do: an IPv6 socket that is bound to every address serves IPv4 too.
  if (isIpv6) setOption(libc, fd, SOL_IPV6, IPV6_V6ONLY, isWildcard(address.host) ? 0 : 1);
  setOption(libc, fd, SOL_UDP, UDP_GRO, 1);
  setOption(libc, fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, bufferBytes);
  setOption(libc, fd, SOL_SOCKET, SO_SNDBUF, bufferBytes);
  const name = new Uint8Array(SOCKADDR_BYTES);
  const nameBytes = writeSocketAddress(name, 0, family, address.host, address.port);
  if (libc.bind(fd, ptr(name), nameBytes) !== 0) throw systemError(libc, "bind");
  const length = new Uint32Array([SOCKADDR_BYTES]);
  if (libc.getsockname(fd, ptr(name), ptr(length)) !== 0) throw systemError(libc, "getsockname");
  if (replyFromDestination && isWildcard(address.host)) {
    if (isIpv6) setOption(libc, fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
    else setOption(libc, fd, SOL_IP, IP_PKTINFO, 1);
  }
  const host = externalHost ?? address.host;
  const bound = { socket: index, host, port: readPort(name, 0), fd, family, index, source: NO_SOURCE };
  // The kernel reports twice what may be used: the other half is its own bookkeeping.
  const given = (option: number) => (readOption(libc, fd, SOL_SOCKET, option) ?? 0) / 2;
  const [receiveBufferBytes, sendBufferBytes] = [given(SO_RCVBUF), given(SO_SNDBUF)];
  return { fd, isIpv6, bound, receiveBufferBytes, sendBufferBytes, locals: new Map(), overflow: 0 };
}

/** The local address that a packet came to, as its control data names it. */
export function localFor(socket: KernelSocket, control: Uint8Array, offset: number, bytes: 4 | 16): KernelLocal {
  const { bound, locals } = socket;
  const key = bytes === 4 ? ipv4At(control, offset) : formatIpv6(control.subarray(offset, offset + 16));
  const known = locals.get(key);
  if (known !== undefined) return known;
  // A host has few addresses; whatever comes beyond is answered as the kernel sees fit.
  if (locals.size >= MAX_LOCALS) return bound;
  const source = control.slice(offset, offset + bytes);
  const host = bytes === 4 ? formatIpv4(ipv4At(source, 0)) : formatIpv6(source);
  const made: KernelLocal = { ...bound, host, source, index: (bound.socket + 1) * MAX_LOCALS + locals.size };
  locals.set(key, made);
  return made;
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

const NO_SOURCE = new Uint8Array(0);
const MAX_LOCALS = 16;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPV6_V6ONLY = 26;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
