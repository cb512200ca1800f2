// UDP sockets for local programs. Those of listeners carry packets in batches; those of SOCKS5 associations, of which
// there may be many, cost little.
import type { LocalClient, LocalEvent, LocalSocketId } from "../agent/local.ts";
import type { SocketAddress } from "../wire/address.ts";
import { openUdp } from "./open-udp.ts";
import type { BindAddress, UdpSocket } from "./udp-socket.ts";

export interface LocalUdpSocketsOptions {
  /** Takes what programs send. Bytes are lent for the time of the call. */
  readonly emit: (event: LocalEvent) => void;
}

export class LocalUdpSockets {
  /** Datagrams that a socket had no room for, or that nobody waited for any more. */
  undelivered = 0;
  readonly #options: LocalUdpSocketsOptions;
  readonly #sockets = new Map<LocalSocketId, UdpSocket>();
  /** Associations that are being opened. */
  readonly #opening = new Set<LocalSocketId>();

  constructor(options: LocalUdpSocketsOptions) {
    this.#options = options;
  }

  /** A listener's. Throws the system's error. */
  async open(id: LocalSocketId, address: BindAddress): Promise<void> {
    await this.#open(id, address, "auto");
  }

  /** One of an association, on any port. Where it is; undefined when there is none to be had. */
  async associate(id: LocalSocketId, host: string): Promise<BindAddress | "closed" | undefined> {
    this.#opening.add(id);
    const socket = await this.#open(id, { host, port: 0 }, "portable").catch(() => undefined);
    if (!this.#opening.delete(id)) {
      this.close(id);
      return "closed";
    }
    return socket?.local[0];
  }

  send(id: LocalSocketId, to: LocalClient, bytes: Uint8Array): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined || socket.batch.full) {
      this.undelivered++;
      return;
    }
    socket.batch.next().set(bytes);
    // Whoever sends was heard on this socket: `to` is what it interned.
    socket.batch.commit(bytes.length, to as SocketAddress);
    socket.wake();
  }

  close(id: LocalSocketId): void {
    this.#opening.delete(id);
    this.#sockets.get(id)?.close();
    this.#sockets.delete(id);
  }

  closeAll(): void {
    this.#opening.clear();
    for (const id of [...this.#sockets.keys()]) this.close(id);
  }

  async #open(id: LocalSocketId, address: BindAddress, io: "auto" | "portable"): Promise<UdpSocket> {
    const { emit } = this.#options;
    const receive = (bytes: Uint8Array, from: SocketAddress) =>
      emit({ type: "local-datagram", socket: id, from, bytes });
    const { socket } = await openUdp([address], { receive, flush: () => undefined }, { io, bufferBytes: BUFFER_BYTES });
    this.#sockets.set(id, socket);
    socket.wake();
    return socket;
  }
}

/** The default loses most of a burst of answers. */
const BUFFER_BYTES = 1024 * 1024;
