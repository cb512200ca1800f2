// Makes a TUN device with its address and routes, as root and without any other program. It is bound to its descriptor:
// when that is closed, by us or by the end of the process however it comes, device, address and routes are gone.
import { ptr } from "bun:ffi";
import { networkInterfaces } from "node:os";
import { formatIpv4, type Ipv4, parseIpv4 } from "../wire/address.ts";
import { type Libc, systemError } from "./libc.ts";
import { Netlink } from "./netlink.ts";
import { linkMtu, linkUp, linkWithoutIpv6, newAddress, newRoute } from "./netlink-message.ts";

export interface TunSettings {
  /** A name that interfaceNameFault() finds no fault with; undefined: the first free one of ztna0, ztna1 … */
  readonly name: string | undefined;
  readonly address: Ipv4;
  /** Each gets a /32 route through the device. */
  readonly destinations: readonly Ipv4[];
  readonly mtu: number;
}

/** One sentence for the operator; `code` is the system's name for what is wrong. */
export class TunFailure extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export class TunDevice {
  readonly fd: number;
  readonly name: string;
  readonly address: Ipv4;
  /** That it was made with. */
  readonly mtu: number;
  readonly #libc: Libc;
  readonly #index: number;

  private constructor(libc: Libc, parts: { fd: number; name: string; address: Ipv4; mtu: number; index: number }) {
    this.#libc = libc;
    this.fd = parts.fd;
    this.name = parts.name;
    this.address = parts.address;
    this.mtu = parts.mtu;
    this.#index = parts.index;
  }

  /** Throws a TunFailure, and leaves nothing behind. */
  static open(libc: Libc, settings: TunSettings): TunDevice {
    const path = cString("/dev/net/tun");
    const fd = libc.open(ptr(path), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) throw failure(systemError(libc, "/dev/net/tun"), settings);
    try {
      return TunDevice.#configure(libc, fd, settings);
    } catch (error) {
      libc.close(fd);
      throw failure(error, settings);
    }
  }

  setMtu(mtu: number): void {
    const netlink = new Netlink(this.#libc);
    try {
      netlink.request("mtu", (sequence) => linkMtu(sequence, this.#index, mtu));
    } finally {
      netlink.close();
    }
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  static #configure(libc: Libc, fd: number, settings: TunSettings): TunDevice {
    const { address, mtu, destinations } = settings;
    const name = attach(libc, fd, settings.name ?? ANY_NAME);
    offload(libc, fd);
    const index = libc.if_nametoindex(ptr(cString(name)));
    if (index === 0) throw systemError(libc, name);
    const netlink = new Netlink(libc);
    try {
      withoutIpv6(netlink, index);
      netlink.request("link", (sequence) => linkUp(sequence, index, mtu, QUEUE_LENGTH));
      netlink.request("address", (sequence) => newAddress(sequence, index, address));
      for (const destination of destinations) {
        const what = `route ${formatIpv4(destination)}`;
        netlink.request(what, (sequence) => newRoute(sequence, index, destination, address));
      }
    } finally {
      netlink.close();
    }
    return new TunDevice(libc, { fd, name, address, mtu, index });
  }
}

/** The first address from `first` on that no interface of this host has. */
export function freeTunAddress(first: Ipv4): Ipv4 {
  const taken = new Set<Ipv4 | undefined>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) taken.add(parseIpv4(address));
  }
  let address = first;
  while (taken.has(address)) address++;
  return address;
}

/** Binds the descriptor to a new device and returns its name. struct ifreq: name 16 | flags 2 | padding to 40. */
function attach(libc: Libc, fd: number, name: string): string {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name));
  new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL, true);
  if (libc.ioctl(fd, TUNSETIFF, ptr(request)) < 0) throw systemError(libc, "TUNSETIFF");
  return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
}

/** Large reads, and checksums left to us. Kernels before 6.2 do not do that for UDP. */
function offload(libc: Libc, fd: number): void {
  const ask = (features: number) => libc.ioctl(fd, TUNSETOFFLOAD, features as never) === 0;
  const tcp = TUN_F_CSUM | TUN_F_TSO4;
  if (!ask(tcp | TUN_F_USO4 | TUN_F_USO6) && !ask(tcp)) throw systemError(libc, "TUNSETOFFLOAD");
}

/** Nothing speaks IPv6 on the device. A kernel without IPv6 has nothing to switch off. */
function withoutIpv6(netlink: Netlink, index: number): void {
  try {
    netlink.request("ipv6", (sequence) => linkWithoutIpv6(sequence, index));
  } catch {
    // What it would send there is counted.
  }
}

function failure(error: unknown, { name, address }: TunSettings): TunFailure {
  const { message, code } = error as Error & { readonly code: string };
  return new TunFailure(sentence(message, code, name, address), code);
}

function sentence(message: string, code: string, name: string | undefined, address: Ipv4): string {
  const [what = ""] = message.split(":");
  if (code === "EPERM" || code === "EACCES") return "a TUN device takes root, or the capability CAP_NET_ADMIN";
  if (what === "/dev/net/tun") return `/dev/net/tun cannot be opened (${code}): load the module tun`;
  if (code === "EBUSY") return `there is an interface ${name} already: give another name`;
  if (code === "EEXIST" && what.startsWith("route")) {
    return `there is a ${what} already, perhaps of another agent: give the service another virtual address`;
  }
  return `the TUN device with ${formatIpv4(address)} cannot be set up: ${message}`;
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

const ANY_NAME = "ztna%d";
/** Large reads that wait for us; more would be delay. */
const QUEUE_LENGTH = 64;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const NAME_BYTES = 16;
const IFREQ_BYTES = 40;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN_EXCL = 0x8000;
const TUNSETIFF = 0x4004_54ca;
const TUNSETOFFLOAD = 0x4004_54d0;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;
