// Carries out what a role decides about TCP on real sockets, all of them behind one descriptor. What goes wrong with a
// socket is an event for the role, never an exception.
import type { StreamCommand, StreamEvent, StreamFailure, StreamId } from "../tunnel/stream.ts";
import type { Resolver } from "./resolver.ts";
import { StreamListener } from "./stream-listener.ts";
import { openStreamShell, type StreamShell } from "./stream-shell.ts";
import { type StreamOwner, StreamSocket } from "./stream-socket.ts";

export interface StreamSocketsOptions {
  readonly resolver: Pick<Resolver, "resolve">;
  /** Takes what the sockets say. Bytes are lent for the time of the call. */
  readonly emit: (event: StreamEvent) => void;
}

export interface Listening {
  readonly port: number;
  close(): void;
}

export class StreamSocketsStats {
  opened = 0;
  accepted = 0;
  failed = 0;
  broken = 0;
  bytesRead = 0;
  bytesWritten = 0;
}

export class StreamSockets implements StreamOwner {
  readonly stats = new StreamSocketsStats();
  readonly #options: StreamSocketsOptions;
  readonly #streams = new Map<StreamId, StreamSocket>();
  readonly #listeners = new Set<StreamListener>();
  readonly #opening: Promise<StreamShell | undefined>;
  #accepted = 0;
  #closed = false;

  constructor(options: StreamSocketsOptions) {
    this.#options = options;
    this.#opening = openStreamShell();
  }

  /** Open sockets and those that are being opened. */
  get size(): number {
    return this.#streams.size;
  }

  perform(command: StreamCommand): void {
    if (command.type === "stream-open") {
      void this.#open(command.stream, command.host, command.port);
      return;
    }
    const stream = this.#streams.get(command.stream);
    if (stream === undefined) return;
    switch (command.type) {
      case "stream-write":
        stream.write(command.bytes);
        break;
      case "stream-end":
        stream.end();
        break;
      case "stream-pause":
        stream.read(false);
        break;
      case "stream-resume":
        stream.read(true);
        break;
      case "stream-close":
        this.#streams.delete(command.stream);
        stream.close(command.reset);
        break;
    }
  }

  /**
   * Accepts connections at an IP literal; `accepted` is told the id of each, chosen here, and where it comes from.
   * Nothing is read from it before "stream-resume". Throws the system's error.
   */
  async listen(host: string, port: number, accepted: (stream: StreamId, host: string) => void): Promise<Listening> {
    const shell = await this.#opening;
    if (shell === undefined) throw new Error("listening needs Linux with glibc");
    const listener = new StreamListener(shell, host, port, (fd, from) => {
      const stream = new StreamSocket(--this.#accepted, this);
      this.#streams.set(stream.id, stream);
      this.stats.accepted++;
      stream.adopt(shell, fd);
      accepted(stream.id, from);
    });
    this.#listeners.add(listener);
    const close = () => {
      this.#listeners.delete(listener);
      listener.close();
    };
    return { port: listener.port, close };
  }

  /** Resets every stream. Nothing may follow. */
  async closeAll(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
    for (const stream of this.#streams.values()) stream.close(true);
    this.#listeners.clear();
    this.#streams.clear();
    (await this.#opening)?.close();
  }

  emit(event: StreamEvent): void {
    this.#options.emit(event);
  }

  opened(): void {
    this.stats.opened++;
  }

  failed(stream: StreamSocket, reason: StreamFailure): void {
    this.stats.failed++;
    this.#streams.delete(stream.id);
    stream.close(false);
    this.emit({ type: "stream-failed", stream: stream.id, reason });
  }

  broken(stream: StreamSocket): void {
    this.stats.broken++;
    this.#streams.delete(stream.id);
    stream.close(true);
    this.emit({ type: "stream-broken", stream: stream.id });
  }

  read(bytes: number): void {
    this.stats.bytesRead += bytes;
  }

  written(bytes: number): void {
    this.stats.bytesWritten += bytes;
  }

  async #open(id: StreamId, host: string, port: number): Promise<void> {
    const stream = new StreamSocket(id, this);
    this.#streams.set(id, stream);
    const addresses = await this.#options.resolver.resolve(host).catch(() => []);
    const shell = await this.#opening;
    if (this.#streams.get(id) !== stream) return;
    if (shell === undefined) this.failed(stream, "no-socket");
    else if (addresses.length === 0) this.failed(stream, "unresolved");
    else stream.connect(shell, addresses, port);
  }
}
