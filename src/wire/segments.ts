// Cuts what one read of a TUN device brings into packets of their own (TCP segmentation offload, and the same for UDP),
// or completes the checksum of a single one. In place and in order: each header is written over the payload of the
// packet before it, which must be gone by then.
import type { Ipv4 } from "./address.ts";
import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import { finish, sum16 } from "./checksum.ts";
import {
  checkIpv4,
  type Ipv4Fault,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  pseudoHeaderSum,
} from "./ipv4.ts";
import { TCP_CWR, TCP_FIN, TCP_PSH, tcpHeaderLength } from "./tcp.ts";
import {
  GSO_NONE,
  GSO_TCP4,
  GSO_UDP,
  VNET_HEADER_LENGTH,
  VNET_NEEDS_CHECKSUM,
  vnetChecksumOffset,
  vnetChecksumStart,
  vnetFlags,
  vnetGsoSize,
  vnetGsoType,
} from "./virtio-net.ts";

/** What the kernel wants done cannot be done. */
export type SegmentFault = "bad-offload";

/** begin(), limit(), then next() until it is false. */
export class Segments {
  /** The packet that next() made: bytes[start, end). Before the first one, the packet as it was read. */
  start = 0;
  end = 0;
  /** Packets that next() has yet to make; 0 when there is nothing to cut. */
  remaining = 0;
  private bytes: Uint8Array = NOTHING;
  private readonly header = new Uint8Array(MAX_HEADERS);
  private headerLength = 0;
  private transport = 0;
  private payloadEnd = 0;
  /** Payload of one packet; 0 for a packet that is not cut. */
  private size = 0;
  private cut = 0;

  /** bytes[at, end) is a virtio header and an IPv4 packet; `bytes` has to stay until the last packet is made. */
  begin(bytes: Uint8Array, at: number, end: number): Ipv4Fault | SegmentFault | undefined {
    const start = at + VNET_HEADER_LENGTH;
    this.remaining = 0;
    if (end < start) return "short";
    const fault = checkIpv4(bytes, start, end);
    if (fault !== undefined) return fault;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.payloadEnd = end;
    this.cut = 0;
    const kind = vnetGsoType(bytes, at);
    const usable = kind === GSO_NONE ? this.whole(at) : this.several(kind, vnetGsoSize(bytes, at));
    return usable ? undefined : "bad-offload";
  }

  /** Packets longer than this are not made. False: one is, and it cannot be cut smaller. UDP datagrams stay whole. */
  limit(maxPacket: number): boolean {
    if (this.size === 0) return this.end - this.start <= maxPacket;
    const room = maxPacket - this.headerLength;
    if (this.size <= room) return true;
    if (room < 1 || ipv4Protocol(this.header) !== PROTOCOL_TCP) return false;
    this.setSize(room);
    return true;
  }

  get source(): Ipv4 {
    return readU32(this.bytes, this.start + SOURCE_AT);
  }

  get destination(): Ipv4 {
    return ipv4Destination(this.bytes, this.start);
  }

  /** Makes the next packet; false when there is none left. */
  next(): boolean {
    if (this.remaining === 0) return false;
    this.remaining -= 1;
    if (this.size > 0) this.cutNext();
    return true;
  }

  /** Forgets what is left. */
  drop(): void {
    this.remaining = 0;
  }

  /** One packet, as it is or with its checksum completed. */
  private whole(at: number): boolean {
    const { bytes, start, end } = this;
    this.size = 0;
    this.remaining = 1;
    if ((vnetFlags(bytes, at) & VNET_NEEDS_CHECKSUM) === 0) return true;
    const from = start + vnetChecksumStart(bytes, at);
    const field = from + vnetChecksumOffset(bytes, at);
    if (from < start + ipv4HeaderLength(bytes, start) || field + 2 > end) return false;
    writeU16(bytes, field, notZero(finish(sum16(bytes, from, end))));
    return true;
  }

  private several(kind: number, size: number): boolean {
    const { bytes, start, end } = this;
    const ipHeader = ipv4HeaderLength(bytes, start);
    const isTcp = kind === GSO_TCP4 && ipv4Protocol(bytes, start) === PROTOCOL_TCP;
    const isUdp = kind === GSO_UDP && ipv4Protocol(bytes, start) === PROTOCOL_UDP;
    const least = isTcp ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH;
    if ((!isTcp && !isUdp) || size === 0 || end - start < ipHeader + least) return false;
    const transportHeader = isTcp ? tcpHeaderLength(bytes, start) : UDP_HEADER_LENGTH;
    this.headerLength = ipHeader + transportHeader;
    if (transportHeader < least || end - start <= this.headerLength) return false;
    this.transport = ipHeader;
    for (let i = 0; i < this.headerLength; i++) this.header[i] = bytes[start + i] as number;
    this.setSize(size);
    return true;
  }

  private setSize(size: number): void {
    this.size = size;
    this.remaining = Math.ceil((this.payloadEnd - this.start - this.headerLength) / size);
  }

  private cutNext(): void {
    const { bytes, header, headerLength, cut } = this;
    const payload = (cut === 0 ? this.start + headerLength : this.end) as number;
    const start = payload - headerLength;
    const end = Math.min(payload + this.size, this.payloadEnd);
    for (let i = 0; i < headerLength; i++) bytes[start + i] = header[i] as number;
    this.start = start;
    this.end = end;
    this.cut += 1;
    writeU16(bytes, start + 2, end - start);
    writeU16(bytes, start + 4, (readU16(header, 4) + cut) & 0xffff);
    writeU16(bytes, start + 10, 0);
    writeU16(bytes, start + 10, finish(sum16(bytes, start, start + this.transport)));
    if (header[9] === PROTOCOL_TCP) this.finishTcp(cut * this.size);
    else this.finishUdp();
  }

  /** RFC 9293: the sequence goes on, FIN and PSH belong to the last segment; RFC 3168: CWR to the first. */
  private finishTcp(payloadBefore: number): void {
    const { bytes, header, start, end } = this;
    const tcp = start + this.transport;
    writeU32(bytes, tcp + 4, (readU32(header, this.transport + 4) + payloadBefore) >>> 0);
    let flags = header[this.transport + 13] as number;
    if (this.remaining > 0) flags &= ~(TCP_FIN | TCP_PSH);
    if (payloadBefore > 0) flags &= ~TCP_CWR;
    bytes[tcp + 13] = flags;
    this.writeChecksum(tcp + 16, tcp, end);
  }

  private finishUdp(): void {
    const { bytes, start, end } = this;
    const udp = start + this.transport;
    writeU16(bytes, udp + 4, end - udp);
    this.writeChecksum(udp + 6, udp, end);
  }

  private writeChecksum(field: number, from: number, end: number): void {
    const { bytes } = this;
    writeU16(bytes, field, 0);
    const sum = sum16(bytes, from, end, pseudoHeaderSum(bytes, this.start, end - from));
    writeU16(bytes, field, notZero(finish(sum)));
  }
}

/** A computed checksum of 0 is sent as its equal 0xffff: to UDP 0 means none (RFC 768), to TCP the two are the same. */
function notZero(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}

const NOTHING = new Uint8Array(0);
const SOURCE_AT = 12;
const TCP_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;
/** An IPv4 header and a TCP header, each with all options. */
const MAX_HEADERS = 120;
