// Requests to the kernel's routing subsystem (rtnetlink(7)) and its answers, as bytes in the machine's order, which is
// little endian on every machine that we run on.
//
//   nlmsghdr  length 4 | type 2 | flags 2 | sequence 4 | port 4        attribute  length 2 | type 2 | data, padded to 4
import type { Ipv4 } from "../wire/address.ts";

export class NetlinkMessage {
  private readonly bytes = new Uint8Array(MAX_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private length = HEADER_BYTES;

  constructor(type: number, flags: number, sequence: number) {
    this.view.setUint16(4, type, true);
    this.view.setUint16(6, flags | NLM_F_REQUEST | NLM_F_ACK, true);
    this.view.setUint32(8, sequence, true);
  }

  u8(...values: readonly number[]): this {
    for (const value of values) this.view.setUint8(this.length++, value);
    return this;
  }

  u16(value: number): this {
    this.view.setUint16(this.length, value, true);
    this.length += 2;
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) {
      this.view.setUint32(this.length, value, true);
      this.length += 4;
    }
    return this;
  }

  attribute(type: number, write: (message: this) => unknown): this {
    const start = this.length;
    this.u16(0).u16(type);
    write(this);
    this.view.setUint16(start, this.length - start, true);
    while (this.length % 4 !== 0) this.u8(0);
    return this;
  }

  /** An address in network order. */
  ipv4(address: Ipv4): this {
    return this.u8(address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff);
  }

  finish(): Uint8Array {
    this.view.setUint32(0, this.length, true);
    return this.bytes.subarray(0, this.length);
  }
}

/** The device goes up with this MTU, and holds so many packets for its reader. */
export function linkUp(sequence: number, index: number, mtu: number, queueLength: number): Uint8Array {
  return link(sequence, index, IFF_UP)
    .attribute(IFLA_MTU, (message) => message.u32(mtu))
    .attribute(IFLA_TXQLEN, (message) => message.u32(queueLength))
    .finish();
}

/** No IPv6 address is made up for the device. */
export function linkWithoutIpv6(sequence: number, index: number): Uint8Array {
  return link(sequence, index, 0)
    .attribute(IFLA_AF_SPEC, (families) =>
      families.attribute(AF_INET6, (six) => six.attribute(IFLA_INET6_ADDR_GEN_MODE, (mode) => mode.u8(NO_ADDRESS))),
    )
    .finish();
}

export function linkMtu(sequence: number, index: number, mtu: number): Uint8Array {
  return link(sequence, index, 0)
    .attribute(IFLA_MTU, (message) => message.u32(mtu))
    .finish();
}

/** `address`/32 on the device. */
export function newAddress(sequence: number, index: number, address: Ipv4): Uint8Array {
  return new NetlinkMessage(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sequence)
    .u8(AF_INET, 32, 0, SCOPE_UNIVERSE)
    .u32(index)
    .attribute(IFA_LOCAL, (message) => message.ipv4(address))
    .attribute(IFA_ADDRESS, (message) => message.ipv4(address))
    .finish();
}

/** `destination`/32 through the device, from `source`. */
export function newRoute(sequence: number, index: number, destination: Ipv4, source: Ipv4): Uint8Array {
  return new NetlinkMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sequence)
    .u8(AF_INET, 32, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, SCOPE_LINK, RTN_UNICAST)
    .u32(0)
    .attribute(RTA_DST, (message) => message.ipv4(destination))
    .attribute(RTA_PREFSRC, (message) => message.ipv4(source))
    .attribute(RTA_OIF, (message) => message.u32(index))
    .finish();
}

/** What the kernel says about request `sequence`: 0 done, above 0 an error number; undefined: nothing about it here. */
export function answerTo(sequence: number, bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER_BYTES + 4 <= bytes.length; ) {
    const length = view.getUint32(at, true);
    const isAnswer = view.getUint16(at + 4, true) === NLMSG_ERROR && view.getUint32(at + 8, true) === sequence;
    if (isAnswer) return Math.abs(view.getInt32(at + HEADER_BYTES, true));
    if (length < HEADER_BYTES) return undefined;
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** family, type and the flags that change. */
function link(sequence: number, index: number, up: number): NetlinkMessage {
  return new NetlinkMessage(RTM_NEWLINK, 0, sequence).u8(0, 0).u16(0).u32(index, up, up);
}

const MAX_BYTES = 256;
const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const NO_ADDRESS = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PREFSRC = 7;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;
