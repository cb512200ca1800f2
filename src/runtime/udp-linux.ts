// The batched UDP socket of Linux: recvmmsg with UDP_GRO in, sendmmsg with UDP_SEGMENT out, one poll for everything.
import { earlier, type Millis } from "../core/machine.ts";
import type { SocketAddress } from "../wire/address.ts";
import { monotonicClock } from "./clock.ts";
import { KernelAddresses } from "./kernel-address.ts";
import { bindSocket, type KernelSocket, localFor } from "./kernel-socket.ts";
import type { Libc } from "./libc.ts";
import { NAME_STRIDE } from "./message-vector.ts";
import type { Polled, PollLoop } from "./poll-loop.ts";
import { ReceiveRing } from "./receive-ring.ts";
import { SegmentBatch } from "./segment-batch.ts";
import { SegmentSender } from "./segment-sender.ts";
import { type BindAddress, newUdpSocketStats, type UdpSocket, type UdpSocketHandlers } from "./udp-socket.ts";

export interface LinuxSocketParts {
  readonly libc: Libc;
  readonly loop: PollLoop;
  readonly handlers: UdpSocketHandlers;
  /** Said once when the kernel or a device does not segment. */
  readonly steppedDown: (errno: number) => void;
  readonly externalHost?: string | undefined;
  /** Kernel buffers to ask for, in bytes. */
  readonly bufferBytes: number;
  /** Replies name the address that a packet came to; for servers that are bound to every address. */
  readonly replyFromDestination: boolean;
}

export class LinuxUdpSockets implements UdpSocket {
  readonly batch = new SegmentBatch();
  readonly stats = newUdpSocketStats();
  readonly #parts: LinuxSocketParts;
  readonly #sockets: KernelSocket[] = [];
  readonly #addresses = new KernelAddresses();
  readonly #ring: ReceiveRing;
  readonly #sender: SegmentSender;
  readonly #polled: Polled[] = [];
  readonly #flush = () => this.#turn();

  constructor(parts: LinuxSocketParts) {
    this.#parts = parts;
    this.#ring = new ReceiveRing(parts.libc);
    this.#sender = new SegmentSender(parts.libc, this.batch, this.stats, parts.steppedDown);
  }

  get local() {
    return this.#sockets.map(({ bound }) => bound);
  }

  /** Throws an Error whose `code` is the system's name for what is wrong. */
  bind(address: BindAddress): void {
    const socket = bindSocket(this.#parts, address, this.#sockets.length);
    this.#sockets.push(socket);
    this.stats.receiveBufferBytes = socket.receiveBufferBytes;
    this.stats.sendBufferBytes = socket.sendBufferBytes;
    this.#polled.push({
      fd: socket.fd,
      readable: () => this.#receive(socket),
      writable: () => this.flush(),
      wantsWrite: () => this.#sender.isFull(socket.fd),
    });
  }

  flush(): void {
    this.#sender.flush(monotonicClock.now());
  }

  remote(host: string, port: number): SocketAddress {
    const six = host.includes(":");
    const isSix = (socket: KernelSocket) => socket.bound.source.length === 0 && socket.isIpv6;
    const socket = this.#sockets.find((one) => isSix(one) === six) ?? this.#sockets.find(isSix);
    if (socket === undefined) throw new Error(`no local socket reaches ${host}`);
    return this.#addresses.remote(host, port, socket.bound);
  }

  /** Joins the loop, which is always on its way to the next flush. */
  wake(): void {
    if (this.#sockets.length > 0) this.#parts.loop.add(this.#polled, this.#flush);
  }

  close(): void {
    this.#parts.loop.remove(this.#polled, this.#flush);
    for (const { fd } of this.#sockets.splice(0)) this.#parts.libc.close(fd);
  }

  #turn(): Millis | undefined {
    if (this.batch.waiting > 0) this.flush();
    const due = this.#parts.handlers.flush();
    // A full socket tells only when half of its buffer is free again.
    return this.batch.waiting === 0 ? due : earlier(due, monotonicClock.now() + RETRY_MS);
  }

  /** One batch: bounded, so that the loop's other work has its turn. A bug costs the packet that shows it. */
  #receive(socket: KernelSocket): void {
    const ring = this.#ring;
    const messages = ring.receive(socket.fd);
    let bug: { readonly error: unknown } | undefined;
    for (let i = 0; i < messages; i++) {
      const { segmentBytes, destinationAt, destinationBytes, overflow } = ring.readAncillary(i);
      if (overflow >= 0) this.#countOverflow(socket, overflow);
      const local = destinationAt < 0 ? socket.bound : localFor(socket, ring.control, destinationAt, destinationBytes);
      const from = this.#addresses.fromName(ring.names, i * NAME_STRIDE, local);
      const length = ring.length(i);
      const step = segmentBytes > 0 ? segmentBytes : Math.max(length, 1);
      for (let start = 0, index = 0; start < length || start === 0; start += step, index++) {
        try {
          this.#received(ring.view(i, index, start, Math.min(step, length - start)), from);
        } catch (error) {
          bug ??= { error };
        }
      }
    }
    if (bug !== undefined) throw bug.error;
  }

  #received(packet: Uint8Array, from: SocketAddress): void {
    this.stats.receivedPackets++;
    this.stats.receivedBytes += packet.length;
    this.#parts.handlers.receive(packet, from);
  }

  /** The kernel gives its total, as a 32-bit number that wraps. */
  #countOverflow(socket: KernelSocket, total: number): void {
    this.stats.kernelDrops += (total - socket.overflow) >>> 0;
    socket.overflow = total;
  }
}

const RETRY_MS = 2;
