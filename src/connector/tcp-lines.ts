// The TCP of several services, each on its own way to the relay: which of them have something to do, and the segments
// that leave as long as there is room. Segments are made only after everything that a wake-up brought was looked at.
import { Deadlines } from "../core/deadlines.ts";
import type { Millis } from "../core/machine.ts";
import type { PeerId } from "../tunnel/peer.ts";
import type { TcpSession } from "../tunnel/tcp-session.ts";
import type { TcpShared } from "../tunnel/tcp-shared.ts";
import { TcpStack } from "../tunnel/tcp-stack.ts";
import { HEADERS_LENGTH } from "../wire/tcp.ts";

export class TcpLine<Owner> {
  readonly service: string;
  readonly stack: TcpStack<Owner>;
  /** The connection that takes its segments; undefined while the relay would not pass them on. */
  peer: PeerId | undefined;
  maxDatagram = 0;
  /** On the list of those with something to do. */
  listed = false;
  /** Segments that may leave in this turn. */
  budget = 0;
  sentInTurn = false;

  constructor(service: string, shared: TcpShared) {
    this.service = service;
    this.stack = new TcpStack<Owner>(shared, LEAST_MSS);
  }
}

export interface TcpLinesParts<Owner> {
  readonly shared: TcpShared;
  /** Datagrams that a connection takes before others would wait behind them; after 0, its "writable" follows. */
  readonly room: (peer: PeerId) => number;
  /** Asks a session that something happened to for events, and settles it. */
  readonly step: (session: TcpSession<Owner>, line: TcpLine<Owner>, now: Millis) => void;
}

export class TcpLines<Owner> {
  private readonly parts: TcpLinesParts<Owner>;
  private readonly lines = new Map<string, TcpLine<Owner>>();
  private readonly deadlines = new Deadlines<TcpLine<Owner>>();
  private listed: TcpLine<Owner>[] = [];
  /** Whether segments may be made: from a turn until something else comes in. */
  private sending = false;
  private now: Millis = 0;
  /** What is lent to the shell until the next input: a piece of memory after the other, used again and again. */
  private readonly pieces: Uint8Array[] = [];
  private piece = 0;
  private offset = 0;

  constructor(parts: TcpLinesParts<Owner>) {
    this.parts = parts;
  }

  add(service: string): void {
    this.lines.set(service, new TcpLine<Owner>(service, this.parts.shared));
  }

  of(service: string): TcpLine<Owner> | undefined {
    return this.lines.get(service);
  }

  /** The state of the way to the relay, whenever it may have changed. */
  path(service: string, peer: PeerId | undefined, maxDatagram: number, now: Millis): void {
    const line = this.lines.get(service);
    if (line === undefined || (line.peer === peer && line.maxDatagram === maxDatagram)) return;
    if (maxDatagram > 0) line.stack.setMss(Math.max(maxDatagram - HEADERS_LENGTH, LEAST_MSS));
    const restored = peer !== undefined && peer !== line.peer;
    line.peer = peer;
    line.maxDatagram = maxDatagram;
    if (restored) line.stack.pathRestored(now);
    if (line.stack.busy) this.list(line);
  }

  /** Something is to be done for a session of the line. */
  list(line: TcpLine<Owner>): void {
    if (line.listed) return;
    line.listed = true;
    this.listed.push(line);
  }

  /** The connection of the service takes datagrams again. */
  writable(service: string): void {
    const line = this.lines.get(service);
    if (line !== undefined) this.list(line);
  }

  /** Another input came: what was lent may be overwritten, and segments wait until everything has come. */
  input(now: Millis, continues: boolean): void {
    this.now = now;
    this.piece = 0;
    this.offset = 0;
    this.sending &&= continues;
  }

  /** Everything has come: timers, then what happened to sessions; their segments are what next() returns. */
  turn(now: Millis): void {
    for (let line = this.deadlines.takeExpired(now); line !== undefined; line = this.deadlines.takeExpired(now)) {
      line.stack.timeout(now);
      this.list(line);
    }
    for (const line of this.listed) {
      const { stack } = line;
      for (let session = stack.takeTouched(); session !== undefined; session = stack.takeTouched()) {
        this.parts.step(session, line, now);
      }
      line.budget = 0;
      line.sentInTurn = false;
    }
    this.sending = true;
  }

  /** The next segment and whose connection takes it; undefined when there is none, or no room. */
  next(): { readonly line: TcpLine<Owner>; readonly bytes: Uint8Array } | undefined {
    if (!this.sending) return undefined;
    for (let line = this.listed[0]; line !== undefined; line = this.listed[0]) {
      if (line.budget === 0 && line.peer !== undefined) line.budget = this.parts.room(line.peer);
      const out = this.pieceWithRoom(line);
      const length = line.budget > 0 ? line.stack.transmit(out, this.offset, this.now) : 0;
      if (length > 0) {
        line.budget -= 1;
        const bytes = out.subarray(this.offset, this.offset + length);
        this.offset += length;
        return { line, bytes };
      }
      this.rest(line);
    }
    return undefined;
  }

  /** At once while there is something to do. */
  deadline(): Millis | undefined {
    return this.listed.length > 0 ? this.now : this.deadlines.next();
  }

  /** Nothing follows. */
  close(): void {
    this.listed = [];
    for (const line of this.lines.values()) this.deadlines.clear(line);
    this.lines.clear();
  }

  /** It has nothing to do until something comes, or no room. */
  private rest(line: TcpLine<Owner>): void {
    this.listed.shift();
    line.listed = false;
    const at = line.stack.deadline();
    if (at === undefined) this.deadlines.clear(line);
    else this.deadlines.set(line, at);
  }

  private pieceWithRoom({ maxDatagram }: TcpLine<Owner>): Uint8Array {
    let piece = this.pieces[this.piece];
    if (piece !== undefined && piece.length - this.offset >= maxDatagram) return piece;
    if (piece !== undefined && this.offset > 0) {
      this.piece += 1;
      this.offset = 0;
      piece = this.pieces[this.piece];
    }
    if (piece !== undefined && piece.length >= maxDatagram) return piece;
    piece = new Uint8Array(Math.max(PIECE_BYTES, maxDatagram));
    this.pieces[this.piece] = piece;
    return piece;
  }
}

/** Before the path is known. */
const LEAST_MSS = 64;
const PIECE_BYTES = 64 * 1024;
