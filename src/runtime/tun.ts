// Packets of a TUN device: large reads, one at a time, while the agent takes them; writes joined over one wake-up.
import { ptr } from "bun:ffi";
import { getSystemErrorName } from "node:util";
import type { Ipv4 } from "../wire/address.ts";
import { Coalescer } from "../wire/coalescing.ts";
import { VNET_HEADER_LENGTH } from "../wire/virtio-net.ts";
import { addressOf, errnoOf, type Libc } from "./libc.ts";
import type { Polled, PollLoop } from "./poll-loop.ts";
import type { TunDevice } from "./tun-device.ts";

/** Who gets what is read: the agent. */
export interface TunReader {
  /** Whether the last read is on its way. */
  readonly takesPackets: boolean;
  /** bytes[at, end) is a virtio header and a packet. The bytes are the reader's until it takes packets again. */
  read(bytes: Uint8Array, at: number, end: number): void;
  /** The device was taken away: nothing is read any more. `code` is the system's name for it. */
  lost(code: string): void;
}

export class TunStats {
  reads = 0;
  readBytes = 0;
  writes = 0;
  /** Packets that the writes held. */
  writtenPackets = 0;
  writtenBytes = 0;
  /** Packets that the kernel did not take. */
  writeFailures = 0;
}

export class Tun implements Polled {
  readonly fd: number;
  readonly name: string;
  readonly address: Ipv4;
  readonly stats = new TunStats();
  mtu: number;
  readonly #libc: Libc;
  readonly #loop: PollLoop;
  readonly #device: TunDevice;
  readonly #reader: TunReader;
  readonly #bytes: Uint8Array;
  readonly #at: number;
  readonly #readAddress: number;
  readonly #coalescer = new Coalescer((bytes, length, packets) => this.#emit(bytes, length, packets));
  readonly #flush = () => this.#flushWrites();

  /** `room` bytes stay free before each read. */
  constructor(parts: { libc: Libc; loop: PollLoop; device: TunDevice; reader: TunReader; room: number }) {
    const { libc, loop, device, reader, room } = parts;
    this.#libc = libc;
    this.#loop = loop;
    this.#device = device;
    this.#reader = reader;
    this.fd = device.fd;
    this.name = device.name;
    this.address = device.address;
    this.mtu = device.mtu;
    this.#at = room;
    this.#bytes = new Uint8Array(new ArrayBuffer(room + MAX_READ));
    this.#readAddress = addressOf(this.#bytes) + room;
  }

  /** Joins the loop; its flush comes after that of whoever joined before. */
  start(): void {
    this.#loop.add([this], this.#flush);
  }

  /** A packet for this host, joined with its neighbours and written before the loop waits again. */
  write(packet: Uint8Array): void {
    this.#coalescer.add(packet);
  }

  /** False: the system refused. */
  setMtu(mtu: number): boolean {
    try {
      this.#device.setMtu(mtu);
    } catch {
      return false;
    }
    this.mtu = mtu;
    return true;
  }

  /** A bounded batch, and no more than the reader has room for. */
  readable(): void {
    const { stats } = this;
    for (let reads = 0; reads < READS_PER_WAKE_UP && this.#reader.takesPackets; reads++) {
      const length = this.#libc.read(this.fd, this.#readAddress as never, MAX_READ);
      if (length <= 0) return length < 0 ? this.#unread(errnoOf(this.#libc)) : undefined;
      stats.reads++;
      stats.readBytes += length;
      this.#reader.read(this.#bytes, this.#at, this.#at + length);
    }
  }

  wantsRead(): boolean {
    return this.#reader.takesPackets;
  }

  /** The device takes packets at once, or not at all. */
  writable(): void {}

  wantsWrite(): boolean {
    return false;
  }

  /** Device, address and routes are gone. */
  close(): void {
    this.#coalescer.flush();
    this.#loop.remove([this], this.#flush);
    this.#device.close();
  }

  /** Nothing there, or nothing ever again. */
  #unread(errno: number): void {
    if (errno === EAGAIN || errno === EINTR) return;
    this.#loop.remove([this], this.#flush);
    this.#reader.lost(getSystemErrorName(-errno));
  }

  #flushWrites(): undefined {
    this.#coalescer.flush();
    return undefined;
  }

  #emit(bytes: Uint8Array, length: number, packets: number): void {
    const { stats } = this;
    const written = this.#libc.write(this.fd, ptr(bytes), length);
    if (written < 0) {
      stats.writeFailures += packets;
      return;
    }
    stats.writes++;
    stats.writtenPackets += packets;
    stats.writtenBytes += length - VNET_HEADER_LENGTH;
  }
}

const MAX_READ = VNET_HEADER_LENGTH + 65_535;
const READS_PER_WAKE_UP = 32;
const EINTR = 4;
const EAGAIN = 11;
