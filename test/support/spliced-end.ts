// One end of a tunnel for TCP: a stack whose sessions are spliced with streams of a kernel that exists only here. Two of
// them, one that dials and one that accepts, carry whole connections without a socket.

import type { ConnectionLimits } from "../../src/tcp/connection-options.ts";
import type { TcpFlow } from "../../src/tcp/isn.ts";
import { Splice } from "../../src/tunnel/splice.ts";
import type { StreamCommand } from "../../src/tunnel/stream.ts";
import type { TcpSession } from "../../src/tunnel/tcp-session.ts";
import { tcpShared } from "../../src/tunnel/tcp-shared.ts";
import { TcpStack } from "../../src/tunnel/tcp-stack.ts";
import { checkIpv4 } from "../../src/wire/ipv4.ts";
import { checkTcp, encodeRst, TCP_ACK, TCP_SYN, tcpFlags } from "../../src/wire/tcp.ts";

/** What became of a stream: what was written to it, and how it ended. */
export class FakeStream {
  readonly written: number[] = [];
  paused = false;
  ended = false;
  closed: "gracefully" | "reset" | undefined;
  /** Bytes that the kernel takes before it says that it is full. */
  room = Number.POSITIVE_INFINITY;
}

export interface Owner {
  splice: Splice | undefined;
  stream: FakeStream;
}

export class SplicedEnd {
  readonly stack: TcpStack<Owner>;
  readonly sessions = new Map<number, TcpSession<Owner>>();
  established = 0;
  private readonly commands: StreamCommand[] = [];
  private readonly out = { push: (command: StreamCommand) => void this.commands.push(command) };
  private nextStream = 1;

  constructor(limits: Partial<ConnectionLimits> = {}, mss = 1200, memory = 1e9, timeWaits = 1000) {
    this.stack = new TcpStack(
      tcpShared((bytes) => bytes[0]! * 1000, limits, memory, timeWaits),
      mss,
    );
  }

  /** Active open, for a local stream that exists already. */
  dial(flow: TcpFlow, now: number): number {
    const owner: Owner = { splice: undefined, stream: new FakeStream() };
    return this.join(this.stack.connect(flow, owner, now), true);
  }

  /** A packet; an unknown SYN is held, anything else unknown is reset. */
  receive(packet: Uint8Array, now: number): Uint8Array | undefined {
    const fault = checkIpv4(packet) ?? checkTcp(packet);
    if (fault !== undefined) throw new Error(`a packet that is ${fault}`);
    const session = this.stack.find(packet);
    if (session !== undefined) {
      this.stack.receive(session, packet, now);
      return undefined;
    }
    if ((tcpFlags(packet) & (TCP_SYN | TCP_ACK)) !== TCP_SYN) return encodeRst(packet);
    this.join(this.stack.hold(packet, { splice: undefined, stream: new FakeStream() }, now), false);
    return undefined;
  }

  /** The stream that a held session waits for is there. */
  opened(id: number): void {
    const session = this.session(id);
    session.connection.accept();
    session.owner.splice?.opened();
    this.stack.touch(session);
  }

  refused(id: number): void {
    const session = this.session(id);
    session.owner.splice?.broken();
    this.stack.touch(session);
  }

  /** The stream brought bytes; false while it is paused. */
  bring(id: number, bytes: Uint8Array, now: number): boolean {
    const session = this.session(id);
    if (session.owner.stream.paused) return false;
    session.owner.splice?.data(bytes, now);
    this.stack.touch(session);
    this.carryOut();
    return true;
  }

  /** The stream brought its end, or broke. */
  finish(id: number, how: "ended" | "broken", now: number): void {
    const session = this.session(id);
    if (how === "ended") session.owner.splice?.ended(now);
    else session.owner.splice?.broken();
    this.stack.touch(session);
  }

  /** The kernel takes more bytes of a stream again. */
  makeRoom(id: number, bytes: number): void {
    const session = this.session(id);
    const { stream, splice } = session.owner;
    const wasFull = stream.room === 0;
    stream.room += bytes;
    if (wasFull) splice?.writable();
    this.stack.touch(session);
  }

  /** What a role does at the end of a wake-up: timers, events, then every packet that may leave. */
  turn(now: number, room = Number.POSITIVE_INFINITY): Uint8Array[] {
    this.stack.timeout(now);
    for (let session = this.stack.takeTouched(); session !== undefined; session = this.stack.takeTouched()) {
      if (session.owner.splice?.pump(now) === true) this.established++;
      this.carryOut();
      session.released = session.owner.splice?.done === true;
      this.stack.settle(session, session.owner.splice?.writing !== true);
    }
    const packets: Uint8Array[] = [];
    const out = new Uint8Array(2000);
    while (packets.length < room) {
      const length = this.stack.transmit(out, 0, now);
      if (length === 0) break;
      packets.push(out.slice(0, length));
    }
    return packets;
  }

  session(id: number): TcpSession<Owner> {
    return this.sessions.get(id)!;
  }

  stream(id: number): FakeStream {
    return this.session(id).owner.stream;
  }

  private join(session: TcpSession<Owner>, open: boolean): number {
    const id = this.nextStream++;
    this.sessions.set(id, session);
    session.owner.splice = new Splice(session.connection, id, this.out, open);
    return id;
  }

  private carryOut(): void {
    for (let command = this.commands.shift(); command !== undefined; command = this.commands.shift()) {
      const session = this.session(command.stream);
      const { stream, splice } = session.owner;
      if (stream.closed !== undefined) throw new Error(`${command.type} after the stream was closed`);
      if (command.type === "stream-write") {
        if (stream.ended) throw new Error("a write after the end");
        const count = Math.min(stream.room, command.bytes.length);
        for (const byte of command.bytes.subarray(0, count)) stream.written.push(byte);
        stream.room -= count;
        splice?.taken(count);
      } else if (command.type === "stream-end") stream.ended = true;
      else if (command.type === "stream-pause") stream.paused = true;
      else if (command.type === "stream-resume") stream.paused = false;
      else if (command.type === "stream-close") stream.closed = command.reset ? "reset" : "gracefully";
    }
  }
}

/** Carries packets between the two until neither has anything to say at this instant. */
export function exchange(left: SplicedEnd, right: SplicedEnd, now: number): void {
  for (let round = 0; round < 10_000; round++) {
    const forth = left.turn(now);
    const back = right.turn(now);
    if (forth.length + back.length === 0) return;
    for (const packet of forth) answer(left, right.receive(packet, now), now);
    for (const packet of back) answer(right, left.receive(packet, now), now);
  }
  throw new Error("the two ends never come to rest");
}

function answer(to: SplicedEnd, packet: Uint8Array | undefined, now: number): void {
  if (packet !== undefined) to.receive(packet, now);
}
