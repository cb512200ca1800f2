// The header that Linux puts before each packet of a TUN device with IFF_VNET_HDR (struct virtio_net_hdr, virtio 1.2
// section 5.1.6): which checksum is still to be computed, and into what the packet is to be cut. Little endian on every
// machine that we run on.
//
//   0  flags | GSO type      2  header length      4  GSO size      6  checksum start      8  checksum offset

/** Of the header without the count of buffers, the kernel's default. */
export const VNET_HEADER_LENGTH = 10;

/** In flags: the checksum field holds the sum over the pseudo-header only. */
export const VNET_NEEDS_CHECKSUM = 1;

export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
export const GSO_UDP = 5;

export function vnetFlags(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

export function vnetGsoType(bytes: Uint8Array, at: number): number {
  return bytes[at + 1] as number;
}

/** Payload bytes of each segment. */
export function vnetGsoSize(bytes: Uint8Array, at: number): number {
  return readU16Little(bytes, at + 4);
}

/** Where the sum begins, counted from the start of the packet. */
export function vnetChecksumStart(bytes: Uint8Array, at: number): number {
  return readU16Little(bytes, at + 6);
}

/** Where the checksum is, counted from where the sum begins. */
export function vnetChecksumOffset(bytes: Uint8Array, at: number): number {
  return readU16Little(bytes, at + 8);
}

export interface VnetHeader {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

export function writeVnetHeader(out: Uint8Array, at: number, header: VnetHeader): void {
  out[at] = header.flags;
  out[at + 1] = header.gsoType;
  writeU16Little(out, at + 2, header.headerLength);
  writeU16Little(out, at + 4, header.gsoSize);
  writeU16Little(out, at + 6, header.checksumStart);
  writeU16Little(out, at + 8, header.checksumOffset);
}

function readU16Little(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function writeU16Little(out: Uint8Array, at: number, value: number): void {
  out[at] = value & 0xff;
  out[at + 1] = value >>> 8;
}
