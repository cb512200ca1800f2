// The portable UDP socket on Bun.udpSocket: one callback per packet in, one system call per batch out.
import { earlier } from "../core/machine.ts";
import type { LocalAddress, SocketAddress } from "../wire/address.ts";
import { AddressBook } from "./address-book.ts";
import { Alarm, monotonicClock } from "./clock.ts";
import { SendBatch } from "./send-batch.ts";
import { sizeSocketBuffers } from "./socket-buffers.ts";
import { type BindAddress, newUdpSocketStats, type UdpSocket, type UdpSocketHandlers } from "./udp-socket.ts";

/** Opens one socket per address; all share one batch. Throws the system's error when an address cannot be bound. */
export async function openUdpSockets(
  addresses: readonly BindAddress[],
  handlers: UdpSocketHandlers,
  options: PortableOptions = {},
): Promise<UdpSocket> {
  const port = new BunUdpSockets(handlers);
  try {
    for (const address of addresses) await port.bind(address, options);
  } catch (error) {
    port.close();
    throw error;
  }
  return port;
}

export interface PortableOptions {
  readonly externalHost?: string | undefined;
  readonly bufferBytes?: number | undefined;
}

type Bound = { readonly socket: Bun.udp.Socket<"buffer">; readonly local: LocalAddress; readonly mapped: boolean };

class BunUdpSockets implements UdpSocket {
  readonly local: LocalAddress[] = [];
  readonly batch = new SendBatch(BATCH_PACKETS);
  readonly stats = newUdpSocketStats();
  readonly #handlers: UdpSocketHandlers;
  readonly #bound: Bound[] = [];
  readonly #book = new AddressBook();
  readonly #alarm = new Alarm(monotonicClock, () => this.#turn());
  /** Sockets that had no room at the last flush. */
  readonly #full = new Set<number>();
  #scheduled = false;
  #sinceTurn = 0;
  #closed = false;

  constructor(handlers: UdpSocketHandlers) {
    this.#handlers = handlers;
  }

  async bind(address: BindAddress, { externalHost, bufferBytes }: PortableOptions): Promise<void> {
    const index = this.#bound.length;
    let local: LocalAddress | undefined;
    const socket = await Bun.udpSocket({
      hostname: address.host,
      port: address.port,
      socket: {
        data: (_socket, packet, port, host) => {
          if (local !== undefined) this.#received(packet, this.#book.intern(host, port, local));
        },
        drain: () => this.#drained(),
        // A destination that answered with an ICMP error: the loss of that packet and nothing else.
        error: () => {
          this.stats.sendErrors++;
        },
      },
    });
    local = { socket: index, host: externalHost ?? socket.hostname, port: socket.port };
    this.local.push(local);
    this.#bound.push({ socket, local, mapped: socket.hostname.includes(":") });
    const sizes = sizeSocketBuffers(socket, bufferBytes);
    this.stats.receiveBufferBytes = sizes.receive;
    this.stats.sendBufferBytes = sizes.send;
  }

  flush(): void {
    const { batch } = this;
    this.#full.clear();
    // Packets before it are for sockets that are full; these hold up no other socket.
    let kept = 0;
    let flows = false;
    while (kept < batch.packets.length) {
      const { socket } = batch.packets[kept]!.to.local;
      if (this.#full.has(socket)) kept++;
      else {
        const end = this.#endOfRun(kept, socket);
        const sent = this.#sendRun(kept, end);
        if (sent < end - kept) this.#full.add(socket);
        if (sent > 0) flows = true;
        batch.remove(kept, sent);
      }
    }
    if (kept > 0) this.stats.sendBufferDrops += batch.limitWaiting(monotonicClock.now(), flows);
  }

  remote(host: string, port: number): SocketAddress {
    const six = host.includes(":");
    const bound = this.#bound.find(({ mapped }) => mapped === six) ?? this.#bound.find(({ mapped }) => mapped);
    if (bound === undefined) throw new Error(`no local socket reaches ${host}`);
    return this.#book.intern(host, port, bound.local);
  }

  wake(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      if (this.#scheduled) this.#turn();
    });
  }

  close(): void {
    this.#closed = true;
    this.#alarm.set(undefined);
    for (const { socket } of this.#bound) if (!socket.closed) socket.close();
  }

  #received(packet: Uint8Array, from: SocketAddress): void {
    this.stats.receivedPackets++;
    this.stats.receivedBytes += packet.length;
    try {
      this.#handlers.receive(packet, from);
    } catch (error) {
      // Thrown from here, a bug would pass for an ICMP error.
      queueMicrotask(() => {
        throw error;
      });
    }
    // Bun hands over packet after packet without a turn in between: output must not wait for the last one.
    if (++this.#sinceTurn >= PACKETS_PER_TURN) this.#turn();
    else this.wake();
  }

  #turn(): void {
    this.#scheduled = false;
    this.#sinceTurn = 0;
    if (this.#closed) return;
    if (this.batch.packets.length > 0) this.flush();
    const due = this.#handlers.flush();
    const isEmpty = this.batch.packets.length === 0;
    this.#alarm.set(isEmpty ? due : earlier(due, monotonicClock.now() + RETRY_MS));
  }

  #drained(): void {
    if (this.#full.size > 0) this.#turn();
  }

  /** Where the packets from `start` on, which are for `socket`, end. */
  #endOfRun(start: number, socket: number): number {
    const { packets } = this.batch;
    let end = start + 1;
    while (end < packets.length && packets[end]!.to.local.socket === socket) end++;
    return end;
  }

  /** Sends packets [start, end) of one socket; returns how many are off our hands. */
  #sendRun(start: number, end: number): number {
    const { packets } = this.batch;
    const bound = this.#bound[packets[start]!.to.local.socket];
    if (bound === undefined || bound.socket.closed) return end - start;
    const parts: (Uint8Array | string | number)[] = [];
    for (let i = start; i < end; i++) {
      const { bytes, to } = packets[i]!;
      parts.push(bytes, to.port, hostFor(bound, to));
    }
    try {
      return this.#count(start, bound.socket.sendMany(parts));
    } catch {
      return this.#sendSingly(bound, start, end);
    }
  }

  /** One destination is refused: find out which, lose only those. */
  #sendSingly(bound: Bound, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      const { bytes, to } = this.batch.packets[i]!;
      try {
        if (!bound.socket.send(bytes, to.port, hostFor(bound, to))) return i - start;
        this.#count(i, 1);
      } catch {
        this.stats.sendErrors++;
      }
    }
    return end - start;
  }

  #count(start: number, sent: number): number {
    this.stats.sentPackets += sent;
    for (let i = start; i < start + sent; i++) this.stats.sentBytes += this.batch.packets[i]!.bytes.length;
    return sent;
  }
}

/** An IPv6 socket reaches IPv4 under mapped addresses. */
function hostFor(bound: Bound, to: SocketAddress): string {
  return bound.mapped && to.family === 4 ? `::ffff:${to.host}` : to.host;
}

const BATCH_PACKETS = 256;
const PACKETS_PER_TURN = 64;
const RETRY_MS = 10;
