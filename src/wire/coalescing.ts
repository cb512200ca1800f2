// Joins consecutive TCP segments of a flow into one packet for a TUN device (what network cards call receive offload):
// the kernel then handles one packet instead of forty. The checksum of the whole follows from those of the parts, so
// that the kernel finds damage as if each had come alone. What cannot be joined goes out as it came.
import { readU32, writeU16 } from "./bytes.ts";
import { finish, sum16 } from "./checksum.ts";
import { IPV4_HEADER_LENGTH, ipv4TotalLength, PROTOCOL_TCP } from "./ipv4.ts";
import { TCP_ACK, TCP_PSH } from "./tcp.ts";
import { GSO_TCP4, VNET_HEADER_LENGTH, writeVnetHeader } from "./virtio-net.ts";

/** Takes bytes[0, length): a virtio header and a packet. Valid until it returns. `packets` is what was joined into it. */
export type Emit = (bytes: Uint8Array, length: number, packets: number) => void;

export class Coalescer {
  private readonly emit: Emit;
  private readonly trains: Train[] = [];
  private readonly single = new Uint8Array(BUFFER_BYTES);
  /** Trains that hold something come first. */
  private open = 0;
  private oldest = 0;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  /** A packet that checkIpv4 accepted, no longer than 65,535 bytes. Copied. */
  add(packet: Uint8Array): void {
    if (!isPlainTcp(packet)) return this.alone(packet);
    const train = this.trainOf(packet);
    if (train?.append(packet) === true) {
      if (train.closed) this.release(train);
      return;
    }
    // Whatever comes now must not overtake what came before.
    if (train !== undefined) this.release(train);
    if (canGrow(packet)) this.begin(packet);
    else this.alone(packet);
  }

  /** Everything that waits goes out, flow by flow. */
  flush(): void {
    for (let i = 0; i < this.open; i++) this.trains[i]!.leave(this.emit);
    this.open = 0;
  }

  private trainOf(packet: Uint8Array): Train | undefined {
    for (let i = 0; i < this.open; i++) if (this.trains[i]!.isOf(packet)) return this.trains[i];
    return undefined;
  }

  private begin(packet: Uint8Array): void {
    if (this.open === MAX_TRAINS) {
      this.oldest = (this.oldest + 1) % MAX_TRAINS;
      this.release(this.trains[this.oldest]!);
    }
    this.trains[this.open] ??= new Train();
    this.trains[this.open]!.begin(packet);
    this.open += 1;
  }

  private release(train: Train): void {
    train.leave(this.emit);
    this.open -= 1;
    const index = this.trains.indexOf(train);
    this.trains[index] = this.trains[this.open]!;
    this.trains[this.open] = train;
  }

  private alone(packet: Uint8Array): void {
    this.single.fill(0, 0, VNET_HEADER_LENGTH);
    this.single.set(packet, VNET_HEADER_LENGTH);
    this.emit(this.single, VNET_HEADER_LENGTH + packet.length, 1);
  }
}

/** Segments of one flow, one after the other: the headers of the first, then the payload of all. */
class Train {
  closed = false;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private length = 0;
  private headersLength = 0;
  /** Payload of each segment; only the last may have less. */
  private size = 0;
  private packets = 0;
  private nextSequence = 0;
  /** Over the payload, as if it began at an even place. */
  private payloadSum = 0;

  begin(packet: Uint8Array): void {
    this.buffer.set(packet, VNET_HEADER_LENGTH);
    this.length = packet.length;
    this.headersLength = headersLength(packet);
    this.size = packet.length - this.headersLength;
    this.packets = 1;
    this.closed = false;
    this.nextSequence = (readU32(packet, SEQUENCE_AT) + this.size) >>> 0;
    this.payloadSum = payloadSum(packet, this.headersLength);
  }

  isOf(packet: Uint8Array): boolean {
    const { buffer } = this;
    for (let i = SOURCE_AT; i < SEQUENCE_AT; i++) if (buffer[VNET_HEADER_LENGTH + i] !== packet[i]) return false;
    return true;
  }

  /** False: it does not continue the train. */
  append(packet: Uint8Array): boolean {
    const { headersLength: skip, buffer, length } = this;
    const payload = packet.length - skip;
    if (payload < 1 || payload > this.size || length + payload > MAX_PACKET) return false;
    if (readU32(packet, SEQUENCE_AT) !== this.nextSequence || !this.hasSameHeaders(packet)) return false;
    const sum = payloadSum(packet, skip);
    this.payloadSum += ((length - skip) & 1) === 0 ? sum : swapped(sum);
    buffer.set(packet.subarray(skip), VNET_HEADER_LENGTH + length);
    this.length += payload;
    this.packets += 1;
    this.nextSequence = (this.nextSequence + payload) >>> 0;
    const flags = packet[FLAGS_AT] as number;
    buffer[VNET_HEADER_LENGTH + FLAGS_AT] = flags;
    this.closed = payload < this.size || (flags & TCP_PSH) !== 0 || this.length + this.size > MAX_PACKET;
    return true;
  }

  leave(emit: Emit): void {
    const { buffer, length, packets } = this;
    if (packets === 1) buffer.fill(0, 0, VNET_HEADER_LENGTH);
    else this.finish();
    emit(buffer, VNET_HEADER_LENGTH + length, packets);
  }

  /** All that a segment of the same burst repeats: type of service, TTL, acknowledgement, window, options, flags but PSH. */
  private hasSameHeaders(packet: Uint8Array): boolean {
    const { buffer } = this;
    const at = VNET_HEADER_LENGTH;
    if (buffer[at + 1] !== packet[1] || buffer[at + 8] !== packet[8] || buffer[at + 6] !== packet[6]) return false;
    if (((buffer[at + FLAGS_AT]! ^ packet[FLAGS_AT]!) & ~TCP_PSH) !== 0) return false;
    for (let i = ACKNOWLEDGEMENT_AT; i < FLAGS_AT; i++) if (buffer[at + i] !== packet[i]) return false;
    if (buffer[at + WINDOW_AT] !== packet[WINDOW_AT] || buffer[at + WINDOW_AT + 1] !== packet[WINDOW_AT + 1])
      return false;
    for (let i = OPTIONS_AT; i < this.headersLength; i++) if (buffer[at + i] !== packet[i]) return false;
    return true;
  }

  /** Length and checksums of the whole, and what tells the kernel that it is several. */
  private finish(): void {
    const { buffer, length, headersLength, size } = this;
    const ip = VNET_HEADER_LENGTH;
    const tcp = ip + IPV4_HEADER_LENGTH;
    writeVnetHeader(buffer, 0, {
      flags: 0,
      gsoType: GSO_TCP4,
      headerLength: headersLength,
      gsoSize: size,
      checksumStart: 0,
      checksumOffset: 0,
    });
    writeU16(buffer, ip + 2, length);
    writeU16(buffer, ip + 10, 0);
    writeU16(buffer, ip + 10, finish(sum16(buffer, ip, tcp)));
    writeU16(buffer, ip + CHECKSUM_AT, 0);
    const pseudo = sum16(buffer, ip + SOURCE_AT, tcp, PROTOCOL_TCP + length - IPV4_HEADER_LENGTH);
    const headers = sum16(buffer, tcp, ip + headersLength, pseudo);
    writeU16(buffer, ip + CHECKSUM_AT, finish(folded(this.payloadSum) + folded(headers)));
  }
}

/** TCP without IPv4 options, whole, and with all of its header there. */
function isPlainTcp(packet: Uint8Array): boolean {
  if (packet.length < 40 || packet[0] !== 0x45 || packet[9] !== PROTOCOL_TCP) return false;
  const headers = headersLength(packet);
  return headers >= 40 && headers <= packet.length && ipv4TotalLength(packet) === packet.length;
}

/** Data, and nothing else of note: such a segment may be followed by others. */
function canGrow(packet: Uint8Array): boolean {
  return packet[FLAGS_AT] === TCP_ACK && packet.length > headersLength(packet) && packet.length <= LARGEST_PART;
}

/** Of IPv4 and TCP. */
function headersLength(packet: Uint8Array): number {
  return IPV4_HEADER_LENGTH + ((packet[32] as number) >>> 4) * 4;
}

/**
 * The sum over the payload as the segment's checksum claims it: what that checksum leaves when the headers are taken
 * away. Where payload and checksum are at odds, so will the whole be.
 */
function payloadSum(packet: Uint8Array, headers: number): number {
  const pseudo = sum16(packet, SOURCE_AT, IPV4_HEADER_LENGTH, PROTOCOL_TCP + packet.length - IPV4_HEADER_LENGTH);
  // The checksum field is part of it: with the payload, all of it adds up to 0xffff.
  const rest = sum16(packet, IPV4_HEADER_LENGTH, headers, pseudo);
  return finish(rest);
}

/** A sum over bytes that stand one place further. */
function swapped(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

function folded(sum: number): number {
  return ~finish(sum) & 0xffff;
}

/** Flows at a time. */
const MAX_TRAINS = 16;
const MAX_PACKET = 65_535;
/** A segment that is larger leaves little to join. */
const LARGEST_PART = 16_384;
const BUFFER_BYTES = VNET_HEADER_LENGTH + MAX_PACKET;
const SOURCE_AT = 12;
const SEQUENCE_AT = 24;
const ACKNOWLEDGEMENT_AT = 28;
const FLAGS_AT = 33;
const WINDOW_AT = 34;
const CHECKSUM_AT = 36;
const OPTIONS_AT = 40;
