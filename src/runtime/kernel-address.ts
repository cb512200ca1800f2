// Interned addresses as the batched Linux socket uses them: beside host and port they hold what the kernel wants to
// see, so that neither a received nor a sent packet makes a string or an object.
import type { Ipv4, LocalAddress, SocketAddress } from "../wire/address.ts";
import { readHost, readIpv4, readPort, SOCKADDR_BYTES, writeSocketAddress } from "./socket-address.ts";

/** A local address: of a socket, or of one packet where the socket is bound to every address of the host. */
export interface KernelLocal extends LocalAddress {
  readonly fd: number;
  readonly family: number;
  /** Numbers the local addresses of this process. */
  readonly index: number;
  /** The address that replies must come from, 4 or 16 bytes; empty where the kernel has no choice. */
  readonly source: Uint8Array;
}

export class KernelAddress implements SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly ipv4: Ipv4 | undefined;
  readonly local: KernelLocal;
  /** The socket address, and its length. */
  readonly name = new Uint8Array(SOCKADDR_BYTES);
  readonly nameBytes: number;

  constructor(host: string, port: number, local: KernelLocal) {
    this.nameBytes = writeSocketAddress(this.name, 0, local.family, host, port);
    this.host = readHost(this.name, 0);
    this.port = port;
    this.ipv4 = readIpv4(this.name, 0);
    this.family = this.ipv4 === undefined ? 6 : 4;
    this.local = local;
  }
}

/**
 * Bounded: when the young half is full it becomes the old half, and what is not asked for again is forgotten with it.
 * A forgotten address that returns is a new object, which its user must take for the same path.
 */
export class KernelAddresses {
  readonly #limit: number;
  #young = new Map<string | number, KernelAddress>();
  #old = new Map<string | number, KernelAddress>();
  #last: KernelAddress | undefined;

  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The sender of a packet, whose socket address is at `offset`. */
  fromName(names: Uint8Array, offset: number, local: KernelLocal): KernelAddress {
    const last = this.#last;
    if (last !== undefined && last.local === local && sameName(names, offset, last)) return last;
    const port = readPort(names, offset);
    const key = keyOf(readIpv4(names, offset) ?? readHost(names, offset), port, local);
    const known = this.#young.get(key);
    this.#last = known ?? this.#add(key, this.#old.get(key) ?? new KernelAddress(readHost(names, offset), port, local));
    return this.#last;
  }

  /** An address to dial; `host` is an IP literal. */
  remote(host: string, port: number, local: KernelLocal): KernelAddress {
    const made = new KernelAddress(host, port, local);
    return this.fromName(made.name, 0, local);
  }

  #add(key: string | number, address: KernelAddress): KernelAddress {
    if (this.#young.size >= this.#limit / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, address);
    return address;
  }
}

/** For IPv4 a number below 2^53: 32 bits of address, 16 of port and 5 of local address. */
function keyOf(host: Ipv4 | string, port: number, local: KernelLocal): string | number {
  if (typeof host === "string" || local.index >= 32) return `${host} ${port} ${local.index}`;
  return (host * 65_536 + port) * 32 + local.index;
}

function sameName(names: Uint8Array, offset: number, { name, nameBytes }: KernelAddress): boolean {
  for (let i = 2; i < nameBytes; i++) if (names[offset + i] !== name[i]) return false;
  return true;
}

const DEFAULT_LIMIT = 131_072;
