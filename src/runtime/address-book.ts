// Interned remote addresses: one object per path while it is in use, so that equality is identity.
import { isIPv6 } from "node:net";
import { type LocalAddress, parseIpv4, type SocketAddress } from "../wire/address.ts";

/**
 * Bounded: when the young half is full it becomes the old half, and what is not asked for again is forgotten with it.
 * A forgotten address that returns is a new object, which its user must take for the same path.
 */
export class AddressBook {
  readonly #limit: number;
  #young = new Map<string, SocketAddress>();
  #old = new Map<string, SocketAddress>();
  #last: SocketAddress | undefined;

  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** `host` is an IP literal as the kernel gives it; IPv4-mapped IPv6 becomes plain IPv4. */
  intern(host: string, port: number, local: LocalAddress): SocketAddress {
    const last = this.#last;
    const plain = host.startsWith(MAPPED) && host.includes(".") ? host.slice(MAPPED.length) : host;
    if (last !== undefined && last.port === port && last.host === plain && last.local === local) return last;
    const key = `${local.socket} ${port} ${plain}`;
    const known = this.#young.get(key) ?? this.#old.get(key);
    const address = known ?? { host: plain, port, ...family(plain), local };
    if (known === undefined || !this.#young.has(key)) this.#add(key, address);
    this.#last = address;
    return address;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #add(key: string, address: SocketAddress): void {
    if (this.#young.size >= this.#limit / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, address);
  }
}

function family(host: string): Pick<SocketAddress, "family" | "ipv4"> {
  const ipv4 = isIPv6(host) ? undefined : parseIpv4(host);
  return { family: ipv4 === undefined ? 6 : 4, ipv4 };
}

const MAPPED = "::ffff:";
const DEFAULT_LIMIT = 131_072;
