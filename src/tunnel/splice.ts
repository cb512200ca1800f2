// Joins one TCP connection of ours with one stream of the kernel: what comes out of one goes into the other, as fast as
// the slower side takes it. Each side's end is passed on by itself, so that the other direction goes on (half-close);
// a reset of one side resets the other.
import type { Millis } from "../core/machine.ts";
import type { Connection } from "../tcp/connection.ts";
import type { StreamCommand, StreamId } from "./stream.ts";

export class Splice {
  readonly stream: StreamId;
  /** Bytes that went one way or the other. */
  moved = 0;
  /** The stream's id is dead. The connection may still have something to send. */
  done = false;
  private readonly connection: Connection;
  private readonly out: { push(command: StreamCommand): void };
  /** Whether the stream can be written to. */
  private open: boolean;
  /** Of the write that "stream-taken" is to answer. */
  private offered = 0;
  /** The kernel took not all of it: "stream-writable" follows. */
  private blocked = false;
  /** What the connection had no room for; the stream is paused while there is some. */
  private waiting: Uint8Array | undefined;
  private paused = false;
  /** The stream will bring no more, the peer of the connection neither; and the stream has been told the latter. */
  private streamEnded = false;
  private peerClosed = false;
  private endSent = false;

  /** `open`: whether the stream already is, as one that was accepted. */
  constructor(connection: Connection, stream: StreamId, out: { push(command: StreamCommand): void }, open: boolean) {
    this.connection = connection;
    this.stream = stream;
    this.out = out;
    this.open = open;
  }

  /** A write is to be answered by "stream-taken": only then is it known which window the peer may have. */
  get writing(): boolean {
    return this.offered > 0;
  }

  /** One direction is over and the other is not. */
  get isHalfClosed(): boolean {
    return !this.done && this.streamEnded !== this.peerClosed;
  }

  /** The stream is open. */
  opened(): void {
    this.open = true;
    this.offer();
  }

  /** Bytes that the stream brought, borrowed. */
  data(bytes: Uint8Array, now: Millis): void {
    if (this.done) return;
    this.moved += bytes.length;
    if (this.waiting !== undefined) {
      this.waiting = joined(this.waiting, bytes);
      return;
    }
    const taken = this.connection.write(bytes, "lent", now);
    if (taken === bytes.length) return;
    this.waiting = bytes.slice(taken);
    this.pause();
  }

  /** The kernel took so many bytes of the last write. */
  taken(count: number): void {
    const { offered, connection } = this;
    this.offered = 0;
    if (this.done) return;
    this.moved += count;
    connection.consumed(Math.min(count, connection.readable));
    this.blocked = count < offered;
    this.offer();
  }

  writable(): void {
    this.blocked = false;
    this.offer();
  }

  /** The stream brings no more. */
  ended(now: Millis): void {
    this.streamEnded = true;
    if (this.done) return;
    if (this.waiting === undefined) this.connection.close(now);
    this.finish();
  }

  /** The stream is gone: there is nothing left to tell it. */
  broken(): void {
    this.done = true;
    this.offered = 0;
    this.waiting = undefined;
    this.connection.abort();
  }

  /** Asks the connection what happened to it. Returns whether it has just been established. */
  pump(now: Millis): boolean {
    let established = false;
    for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll()) {
      if (event === "established") established = true;
      else if (event === "writable") this.flush(now);
      else if (event === "remote-closed" || event === "closed") this.peerClosed = true;
      else if (event === "reset" || event === "timed-out") this.close(true);
    }
    this.offer();
    return established;
  }

  /** Reads no more from the stream until the connection has room for half of what it holds. */
  pause(): void {
    if (this.paused || this.streamEnded || this.done) return;
    this.paused = true;
    this.out.push({ type: "stream-pause", stream: this.stream });
  }

  resume(): void {
    if (!this.paused || this.waiting !== undefined || this.done) return;
    this.paused = false;
    this.out.push({ type: "stream-resume", stream: this.stream });
  }

  /** Ends both sides at once. */
  abort(): void {
    this.connection.abort();
    this.close(true);
  }

  private close(reset: boolean): void {
    if (this.done) return;
    this.done = true;
    this.waiting = undefined;
    this.out.push({ type: "stream-close", stream: this.stream, reset });
  }

  /** Gives the stream what came for it: as it lies there, without a copy. */
  private offer(): void {
    if (this.done || !this.open || this.blocked || this.offered > 0) return;
    const bytes = this.connection.read();
    if (bytes.length > 0) {
      this.offered = bytes.length;
      this.out.push({ type: "stream-write", stream: this.stream, bytes });
    } else if (this.peerClosed) this.end();
  }

  private end(): void {
    if (!this.endSent) this.out.push({ type: "stream-end", stream: this.stream });
    this.endSent = true;
    this.finish();
  }

  /** The connection has room again. */
  private flush(now: Millis): void {
    const { waiting } = this;
    if (waiting !== undefined) {
      const taken = this.connection.write(waiting, "given", now);
      this.waiting = taken === waiting.length ? undefined : waiting.subarray(taken);
    }
    if (this.waiting !== undefined) return;
    if (this.streamEnded) this.connection.close(now);
    this.resume();
    this.finish();
  }

  private finish(): void {
    if (this.streamEnded && this.endSent && this.waiting === undefined) this.close(false);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
