// The local ports of a rootless agent on real sockets: each listener has one port for TCP and UDP; a SOCKS5 client that
// wants UDP gets a socket of its own.
import type { LocalCommand, LocalEvent, LocalSocketId } from "../agent/local.ts";
import { LocalUdpSockets } from "./local-udp-sockets.ts";
import { Resolver } from "./resolver.ts";
import { StreamSockets } from "./stream-sockets.ts";
import type { BindAddress } from "./udp-socket.ts";

export interface LocalPortsOptions {
  /** Takes what the sockets say. Bytes are lent for the time of the call. */
  readonly emit: (event: LocalEvent) => void;
}

export interface ListenerAddress extends BindAddress {
  /** Whether datagrams to it are taken, too. */
  readonly udp: boolean;
}

export class LocalPorts {
  readonly #options: LocalPortsOptions;
  readonly #streams: StreamSockets;
  readonly #datagrams: LocalUdpSockets;
  /** By ListenerId, with the real ports. */
  #listeners: readonly BindAddress[] = [];

  constructor(options: LocalPortsOptions) {
    this.#options = options;
    const { emit } = options;
    // Nothing is dialled from here, so nothing is looked up.
    this.#streams = new StreamSockets({ resolver: new Resolver({ freshMs: 0, now: () => 0 }), emit });
    this.#datagrams = new LocalUdpSockets({ emit });
  }

  /**
   * Listens at every address; a listener's ListenerId is its place in the list. Throws an Error whose `code` is the
   * system's name for what is wrong, and whose `address` says where.
   */
  async open(listeners: readonly ListenerAddress[]): Promise<void> {
    const bound: BindAddress[] = [];
    for (const [id, listener] of listeners.entries()) {
      try {
        bound.push({ host: listener.host, port: await this.#listen(id, listener) });
      } catch (error) {
        throw Object.assign(error instanceof Error ? error : new Error(String(error)), { address: listener });
      }
    }
    this.#listeners = bound;
  }

  /** With the real ports. */
  get local(): readonly BindAddress[] {
    return this.#listeners;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#streams.size;
  }

  /** Datagrams for programs that their sockets did not take. */
  get undelivered(): number {
    return this.#datagrams.undelivered;
  }

  perform(command: LocalCommand): void {
    switch (command.type) {
      case "local-datagram":
        this.#datagrams.send(command.socket, command.to, command.bytes);
        break;
      case "local-udp-open":
        void this.#associate(command.socket, this.#listeners[command.listener]?.host);
        break;
      case "local-udp-close":
        this.#datagrams.close(command.socket);
        break;
      default:
        this.#streams.perform(command);
    }
  }

  async close(): Promise<void> {
    this.#datagrams.closeAll();
    await this.#streams.closeAll();
  }

  /** One port for both: where the system chooses, it chooses for TCP, and again while UDP's is taken. */
  async #listen(listener: number, { host, port, udp }: ListenerAddress): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const listening = await this.#streams.listen(host, port, (stream, from) =>
        this.#options.emit({ type: "local-accepted", listener, stream, host: from }),
      );
      if (!udp) return listening.port;
      try {
        await this.#datagrams.open(listener, { host, port: listening.port });
        return listening.port;
      } catch (error) {
        listening.close();
        if (port !== 0 || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async #associate(socket: LocalSocketId, host: string | undefined): Promise<void> {
    const local = host === undefined ? undefined : await this.#datagrams.associate(socket, host);
    if (local === "closed") return;
    if (local === undefined) this.#options.emit({ type: "local-udp-failed", socket });
    else this.#options.emit({ type: "local-udp-opened", socket, host: local.host, port: local.port });
  }
}

const PORT_ATTEMPTS = 16;
