// All TCP connections of one way to the relay. Segments are made only when somebody asks for the next one, so that a
// congested way delays TCP instead of losing its segments, and everything that came in one go is acknowledged in one.
// Nothing here walks over all connections: what was touched is on a list, what waits is on top of a heap.
import { Deadlines } from "../core/deadlines.ts";
import { earlier, type Millis } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import { Connection } from "../tcp/connection.ts";
import { initialNumbers, type TcpFlow } from "../tcp/isn.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { tcpDestinationPort, tcpSourcePort } from "../wire/tcp.ts";
import { TcpSession } from "./tcp-session.ts";
import type { TcpShared } from "./tcp-shared.ts";

export class TcpStack<Owner> {
  /** Whose segment transmit() wrote last. */
  sender: TcpSession<Owner> | undefined;
  private readonly shared: TcpShared;
  private readonly byKey = new Map<number, TcpSession<Owner>>();
  private readonly deadlines = new Deadlines<TcpSession<Owner>>();
  private readonly touched = new Outbox<TcpSession<Owner>>();
  private readonly ready = new Outbox<TcpSession<Owner>>();
  private readonly sessions = new Set<TcpSession<Owner>>();
  /** In the order in which they came to it. */
  private readonly timeWaits = new Set<TcpSession<Owner>>();
  private mss: number;

  /** `mss`: the largest payload behind 40 bytes of headers. */
  constructor(shared: TcpShared, mss: number) {
    this.shared = shared;
    this.mss = mss;
  }

  /** Connections, also those that only remember their end. */
  get size(): number {
    return this.sessions.size;
  }

  get timeWaitCount(): number {
    return this.timeWaits.size;
  }

  /** Whether transmit() may have something, or takeTouched(). */
  get busy(): boolean {
    return this.ready.length > 0 || this.touched.length > 0;
  }

  /** Opens a connection. The flow must not be in use. */
  connect(flow: TcpFlow, owner: Owner, now: Millis): TcpSession<Owner> {
    const session = this.add(flow, owner, now);
    session.connection.connect();
    this.touch(session);
    return session;
  }

  /** Takes a checked SYN; the connection says nothing until its accept() or abort(). */
  hold(packet: Uint8Array, owner: Owner, now: Millis): TcpSession<Owner> {
    const flow = {
      source: ipv4Destination(packet),
      sourcePort: tcpDestinationPort(packet),
      destination: ipv4Source(packet),
      destinationPort: tcpSourcePort(packet),
    };
    const session = this.add(flow, owner, now);
    session.connection.hold(packet, 0, now);
    this.touch(session);
    return session;
  }

  /**
   * The connection that a checked segment belongs to. A connection that is over makes way for the SYN of a new one:
   * undefined then, too.
   */
  find(packet: Uint8Array): TcpSession<Owner> | undefined {
    const session = this.lookUp(
      ipv4Source(packet),
      tcpSourcePort(packet),
      ipv4Destination(packet),
      tcpDestinationPort(packet),
    );
    if (session === undefined || !session.connection.mayBeReplacedBy(packet)) return session;
    if (session.connection.state === "time-wait") this.forget(session);
    else this.unlink(session); // its owner has not heard of its end yet
    return undefined;
  }

  /** The connection that uses this flow, `source` being ours. */
  of(flow: TcpFlow): TcpSession<Owner> | undefined {
    return this.lookUp(flow.destination, flow.destinationPort, flow.source, flow.sourcePort);
  }

  /** False: dropped, because slow readers already hold all the memory there is; the peer sends it again. */
  receive(session: TcpSession<Owner>, packet: Uint8Array, now: Millis): boolean {
    const { memory } = this.shared;
    if (memory.used > memory.limit && session.held > LEAST_HELD && packet.length > LARGEST_BARE) return false;
    session.connection.receive(packet, 0, now);
    this.touch(session);
    return true;
  }

  /** Whether the owner should stop writing to a connection that already holds its share. */
  isShort(session: TcpSession<Owner>): boolean {
    const { memory } = this.shared;
    return memory.used > memory.limit && session.connection.unacknowledged > LEAST_HELD;
  }

  /** Something was done to the connection: takeTouched() will return it. */
  touch(session: TcpSession<Owner>): void {
    if (session.touched) return;
    session.touched = true;
    this.touched.push(session);
  }

  /** The next session whose owner has to ask it for events; then the owner calls settle(). */
  takeTouched(): TcpSession<Owner> | undefined {
    const session = this.touched.shift();
    if (session !== undefined) session.touched = false;
    return session;
  }

  /** The owner did what there was to do. `mayTransmit`: its segments may leave now, else at the next settle(). */
  settle(session: TcpSession<Owner>, mayTransmit: boolean): void {
    if (mayTransmit && !session.ready) {
      session.ready = true;
      this.ready.push(session);
    }
    this.arm(session);
  }

  /** Writes the next segment of any session at `offset` and returns its length; 0 when there is none. */
  transmit(out: Uint8Array, offset: number, now: Millis): number {
    for (;;) {
      const { sender } = this;
      const session = sender?.ready === true && sender.burst < LONGEST_BURST ? sender : this.nextReady();
      if (session === undefined) return 0;
      this.sender = session;
      const length = session.connection.transmit(out, offset, now);
      session.burst += 1;
      if (length > 0) return length;
      this.rest(session);
    }
  }

  deadline(): Millis | undefined {
    return this.deadlines.next();
  }

  /** Sessions whose time has come are touched. */
  timeout(now: Millis): void {
    for (let due = this.deadlines.takeExpired(now); due !== undefined; due = this.deadlines.takeExpired(now)) {
      due.connection.handleTimeout(now);
      this.touch(due);
    }
  }

  /** The path carries larger or smaller segments from now on. */
  setMss(mss: number): void {
    if (mss === this.mss) return;
    this.mss = mss;
    for (const session of this.sessions) session.connection.setMss(mss);
  }

  /** The way to the relay is back: nothing waits for a timer that grew long meanwhile. */
  pathRestored(now: Millis): void {
    for (const session of this.sessions) {
      session.connection.pathRestored(now);
      this.touch(session);
    }
  }

  all(): Iterable<TcpSession<Owner>> {
    return this.sessions;
  }

  private add(flow: TcpFlow, owner: Owner, now: Millis): TcpSession<Owner> {
    const { hash, limits, stats, pages } = this.shared;
    const numbers = initialNumbers(flow, hash, now);
    const connection = new Connection({ ...limits, ...numbers, flow, mss: this.mss, stats, pages });
    const session = new TcpSession(connection, flow, owner);
    const key = keyOf(flow.destination, flow.destinationPort, flow.sourcePort);
    session.next = this.byKey.get(key);
    this.byKey.set(key, session);
    this.sessions.add(session);
    return session;
  }

  /** Seen from the peer: its address and port first. */
  private lookUp(peer: Ipv4, peerPort: number, own: Ipv4, ownPort: number): TcpSession<Owner> | undefined {
    let session = this.byKey.get(keyOf(peer, peerPort, ownPort));
    for (; session !== undefined; session = session.next) {
      const { flow } = session;
      const isOwn = flow.source === own && flow.sourcePort === ownPort;
      if (isOwn && flow.destinationPort === peerPort && flow.destination === peer) return session;
    }
    return undefined;
  }

  private nextReady(): TcpSession<Owner> | undefined {
    const { sender } = this;
    if (sender?.ready === true) this.ready.push(sender);
    this.sender = this.ready.shift();
    if (this.sender !== undefined) this.sender.burst = 0;
    return this.sender;
  }

  /** It has nothing more to send now. */
  private rest(session: TcpSession<Owner>): void {
    session.ready = false;
    this.sender = undefined;
    const { state } = session.connection;
    if (state === "closed" && session.released) return this.forget(session);
    if (state === "closed") this.unlink(session);
    else if (state === "time-wait") this.remember(session);
    this.arm(session);
  }

  private arm(session: TcpSession<Owner>): void {
    const { connection, wakeAt, forgotten } = session;
    if (forgotten) return;
    const held = connection.unacknowledged + connection.readable;
    this.shared.memory.used += held - session.held;
    session.held = held;
    const at = earlier(connection.deadline(), wakeAt);
    if (at === undefined) this.deadlines.clear(session);
    else this.deadlines.set(session, at);
  }

  /** An old one is forgotten before its time when there are too many. */
  private remember(session: TcpSession<Owner>): void {
    if (this.timeWaits.has(session)) return;
    this.timeWaits.add(session);
    if (this.timeWaits.size <= this.shared.maxTimeWaits) return;
    const [oldest] = this.timeWaits;
    if (oldest !== undefined) this.forget(oldest);
  }

  private forget(session: TcpSession<Owner>): void {
    if (session.forgotten) return;
    session.forgotten = true;
    this.unlink(session);
    this.sessions.delete(session);
    this.timeWaits.delete(session);
    this.deadlines.clear(session);
    this.shared.memory.used -= session.held;
    session.held = 0;
  }

  private unlink(session: TcpSession<Owner>): void {
    if (!session.indexed) return;
    session.indexed = false;
    const key = keyOf(session.flow.destination, session.flow.destinationPort, session.flow.sourcePort);
    const first = this.byKey.get(key);
    if (first === session) {
      if (session.next === undefined) this.byKey.delete(key);
      else this.byKey.set(key, session.next);
      return;
    }
    for (let before = first; before !== undefined; before = before.next) {
      if (before.next === session) before.next = session.next;
    }
  }
}

/** Exact for up to 65536 connections between two addresses, if only one end chooses its ports freely; else near. */
function keyOf(peer: Ipv4, peerPort: number, ownPort: number): number {
  return peer * 0x10000 + ((peerPort + ownPort * PORT_FACTOR) & 0xffff);
}

/** Odd, so that different ports of ours lead to different keys. */
const PORT_FACTOR = 40_503;
/** Segments of one session in a row while others wait. */
const LONGEST_BURST = 16;
/** What any connection may hold, however little memory is left. */
const LEAST_HELD = 64 * 1024;
/** Headers with all options: longer segments carry payload. */
const LARGEST_BARE = 100;
