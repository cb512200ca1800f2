// Receives up to MESSAGES messages in one system call, each of which may hold many packets of one sender (UDP_GRO).
import { type Pointer, ptr } from "bun:ffi";
import { addressOf, errnoOf, type Libc } from "./libc.ts";
import { CONTROL_HEADER_BYTES, CONTROL_STRIDE, controlSpace, MessageVector, NAME_STRIDE } from "./message-vector.ts";

/** What one message's control data said. */
export interface Ancillary {
  /** Size of each packet in the message but the last; 0 when it is one packet. */
  segmentBytes: number;
  /** Offset into `control` of the destination address, 4 or 16 bytes; -1 without one. */
  destinationAt: number;
  destinationBytes: 4 | 16;
  /** Packets that the kernel dropped on this socket since it was opened; -1 without one. */
  overflow: number;
}

export class ReceiveRing {
  readonly #libc: Libc;
  readonly #vector = new MessageVector(MESSAGES);
  readonly #buffer = new Uint8Array(MESSAGES * MESSAGE_BYTES);
  /** Of the packets of the latest messages: the next ones are often as long. */
  readonly #views = Array<Uint8Array | undefined>(MESSAGES * KEPT_VIEWS).fill(undefined);
  readonly #headers: Pointer;
  readonly ancillary: Ancillary = { segmentBytes: 0, destinationAt: -1, destinationBytes: 4, overflow: -1 };

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#headers = ptr(this.#vector.headers);
    const base = addressOf(this.#buffer);
    for (let i = 0; i < MESSAGES; i++) this.#vector.setBuffer(i, base + i * MESSAGE_BYTES, MESSAGE_BYTES);
  }

  /** Socket addresses of the senders, NAME_STRIDE apart. */
  get names(): Uint8Array {
    return this.#vector.names;
  }

  get control(): Uint8Array {
    return this.#vector.control;
  }

  /** Messages received; 0 when there is none. A negative number is an error number, negated. */
  receive(fd: number): number {
    for (let i = 0; i < MESSAGES; i++) {
      this.#vector.setNameLength(i, NAME_STRIDE);
      this.#vector.setControlLength(i, CONTROL_STRIDE);
    }
    const got = this.#libc.recvmmsg(fd, this.#headers, MESSAGES, MSG_DONTWAIT, null);
    if (got >= 0) return got;
    const errno = errnoOf(this.#libc);
    return errno === EAGAIN || errno === EINTR ? 0 : -errno;
  }

  length(message: number): number {
    return this.#vector.length(message);
  }

  /** Packet `index` of a message: `length` bytes from `start`. The same object again for the same place. */
  view(message: number, index: number, start: number, length: number): Uint8Array {
    const offset = message * MESSAGE_BYTES + start;
    if (index >= KEPT_VIEWS) return this.#buffer.subarray(offset, offset + length);
    const slot = message * KEPT_VIEWS + index;
    const kept = this.#views[slot];
    if (kept !== undefined && kept.length === length && kept.byteOffset === offset) return kept;
    const made = this.#buffer.subarray(offset, offset + length);
    this.#views[slot] = made;
    return made;
  }

  /** Reads the control data of a message into `ancillary`. */
  readAncillary(message: number): Ancillary {
    const { ancillary } = this;
    ancillary.segmentBytes = 0;
    ancillary.destinationAt = -1;
    ancillary.overflow = -1;
    const end = this.#vector.controlLength(message);
    for (let at = 0; at + CONTROL_HEADER_BYTES <= end; ) {
      const length = this.#vector.controlWord(message, at);
      if (length < CONTROL_HEADER_BYTES) break;
      this.#readOne(message, at);
      at += controlSpace(length - CONTROL_HEADER_BYTES);
    }
    return ancillary;
  }

  #readOne(message: number, at: number): void {
    const level = this.#vector.controlWord(message, at + 8);
    const type = this.#vector.controlWord(message, at + 12);
    const data = at + CONTROL_HEADER_BYTES;
    const { ancillary } = this;
    if (level === SOL_UDP && type === UDP_GRO) ancillary.segmentBytes = this.#vector.controlWord(message, data);
    else if (level === SOL_SOCKET && type === SO_RXQ_OVFL) {
      ancillary.overflow = this.#vector.controlWord(message, data) >>> 0;
    } else if (level === SOL_IP && type === IP_PKTINFO) {
      // ifindex 4 | local address 4 | address in the header 4
      ancillary.destinationAt = message * CONTROL_STRIDE + data + 4;
      ancillary.destinationBytes = 4;
    } else if (level === SOL_IPV6 && type === IPV6_PKTINFO) {
      ancillary.destinationAt = message * CONTROL_STRIDE + data;
      ancillary.destinationBytes = 16;
    }
  }
}

/** A message may be as large as GRO makes it. */
const MESSAGE_BYTES = 65_536;
/** More than one as senders do not come in groups: a hundred agents send a packet each. */
const MESSAGES = 64;
/** Packets of one message, as many as senders here join. */
const KEPT_VIEWS = 64;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
export const SOL_SOCKET = 1;
export const SOL_UDP = 17;
export const SOL_IP = 0;
export const SOL_IPV6 = 41;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
export const SO_RXQ_OVFL = 40;
export const IP_PKTINFO = 8;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
