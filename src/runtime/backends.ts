// Carries out what the connector decides on real sockets: one connected UDP socket for each flow, and streams for TCP.
// A backend that fails is an event for the connector, a packet that cannot be sent is a count; neither is ever an
// exception.
import type { BackendCommand, BackendEvent, BackendId } from "../connector/backend.ts";
import type { Resolver } from "./resolver.ts";
import { sizeSocketBuffers } from "./socket-buffers.ts";
import { StreamSockets } from "./stream-sockets.ts";

export interface BackendsOptions {
  readonly resolver: Pick<Resolver, "resolve">;
  /** Takes what the sockets say. Bytes are lent for the time of the call. */
  readonly emit: (event: BackendEvent) => void;
}

export class BackendsStats {
  opened = 0;
  failed = 0;
  sent = 0;
  received = 0;
  readonly dropped: Record<BackendDrop, number> = {
    "not-open": 0,
    "queue-full": 0,
    "send-blocked": 0,
    "send-error": 0,
  };
}

/** Why a payload did not reach its backend. */
export type BackendDrop = "not-open" | "queue-full" | "send-blocked" | "send-error";

type Udp = Bun.udp.ConnectedSocket<"buffer">;
type Failure = Extract<BackendEvent, { type: "udp-failed" }>["reason"];

interface Backend {
  readonly id: BackendId;
  /** Undefined until it is open; `waiting` holds what was sent before. */
  socket: Udp | undefined;
  waiting: Uint8Array[];
  waitingBytes: number;
}

export class Backends {
  readonly stats = new BackendsStats();
  readonly streams: StreamSockets;
  readonly #options: BackendsOptions;
  readonly #backends = new Map<BackendId, Backend>();

  constructor(options: BackendsOptions) {
    this.#options = options;
    this.streams = new StreamSockets(options);
  }

  perform(command: BackendCommand): void {
    switch (command.type) {
      case "udp-open":
        void this.#open(command.backend, command.host, command.port);
        break;
      case "udp-send":
        this.#send(command.backend, command.bytes);
        break;
      case "udp-close":
        this.#close(command.backend);
        break;
      default:
        this.streams.perform(command);
    }
  }

  /** Open sockets and those that are being opened. */
  get size(): number {
    return this.#backends.size + this.streams.size;
  }

  async closeAll(): Promise<void> {
    for (const id of [...this.#backends.keys()]) this.#close(id);
    await this.streams.closeAll();
  }

  async #open(id: BackendId, host: string, port: number): Promise<void> {
    const backend: Backend = { id, socket: undefined, waiting: [], waitingBytes: 0 };
    this.#backends.set(id, backend);
    const address = await this.#options.resolver.resolve(host).then(
      ([first]) => first,
      () => undefined,
    );
    if (!this.#isCurrent(backend)) return;
    if (address === undefined) return this.#fail(backend, "unresolved");
    const socket = await this.#connect(backend, address, port).catch(() => undefined);
    if (!this.#isCurrent(backend)) return socket?.close();
    if (socket === undefined) return this.#fail(backend, "no-socket");
    sizeSocketBuffers(socket, BUFFER_BYTES);
    this.stats.opened++;
    backend.socket = socket;
    for (const bytes of backend.waiting) this.#transmit(socket, bytes);
    backend.waiting = [];
  }

  /** Async also because some errors of the system come as exceptions before there is a promise. */
  async #connect(backend: Backend, address: string, port: number): Promise<Udp> {
    return Bun.udpSocket({
      hostname: address.includes(":") ? "::" : "0.0.0.0",
      connect: { hostname: address, port },
      socket: {
        data: (_socket, bytes) => {
          if (!this.#isCurrent(backend)) return;
          this.stats.received++;
          this.#options.emit({ type: "udp-data", backend: backend.id, bytes });
        },
        // On a connected socket: an ICMP error came back, nobody listens there.
        error: () => {
          if (this.#isCurrent(backend)) this.#fail(backend, "refused");
        },
      },
    });
  }

  #send(id: BackendId, bytes: Uint8Array): void {
    const backend = this.#backends.get(id);
    if (backend === undefined) this.stats.dropped["not-open"]++;
    else if (backend.socket !== undefined) this.#transmit(backend.socket, bytes);
    else this.#hold(backend, bytes);
  }

  /** Until the socket is open. Copied: commands only lend their bytes. */
  #hold(backend: Backend, bytes: Uint8Array): void {
    if (backend.waiting.length >= MAX_WAITING || backend.waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.stats.dropped["queue-full"]++;
      return;
    }
    backend.waiting.push(bytes.slice());
    backend.waitingBytes += bytes.length;
  }

  #transmit(socket: Udp, bytes: Uint8Array): void {
    try {
      if (socket.send(bytes)) this.stats.sent++;
      else this.stats.dropped["send-blocked"]++;
    } catch {
      this.stats.dropped["send-error"]++;
    }
  }

  #fail(backend: Backend, reason: Failure): void {
    this.stats.failed++;
    this.stats.dropped["not-open"] += backend.waiting.length;
    this.#close(backend.id);
    this.#options.emit({ type: "udp-failed", backend: backend.id, reason });
  }

  #close(id: BackendId): void {
    const backend = this.#backends.get(id);
    this.#backends.delete(id);
    if (backend?.socket !== undefined && !backend.socket.closed) backend.socket.close();
  }

  /** False once it was closed while it was being opened, or while an event of it was under way. */
  #isCurrent(backend: Backend): boolean {
    return this.#backends.get(backend.id) === backend;
  }
}

/** Of one backend while its name is being resolved. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 65_536;
/** The default loses most of a burst of answers. */
const BUFFER_BYTES = 1024 * 1024;
