// The other end of local flows in tests: a TCP stack of ours that answers for every service, with an application that
// the test plays.
import type { Millis } from "../../src/core/machine.ts";
import type { TcpSession } from "../../src/tunnel/tcp-session.ts";
import { tcpShared } from "../../src/tunnel/tcp-shared.ts";
import { TcpStack } from "../../src/tunnel/tcp-stack.ts";
import { checkTcp, encodeRst, TCP_ACK, TCP_SYN, tcpFlags } from "../../src/wire/tcp.ts";

/** One connection. */
export interface Far {
  session: TcpSession<Far> | undefined;
  readonly received: Uint8Array[];
  /** What it still has to say. */
  toSend: Uint8Array;
  /** It says no more after that. */
  closes: boolean;
  reads: boolean;
  over: string | undefined;
  port: number;
}

/** "silent": the test looks at the packets itself. */
export type FarBehaviour = "accept" | "refuse" | "silent";

export class FarEnd {
  readonly fars: Far[] = [];
  readonly stack = new TcpStack<Far>(
    tcpShared(() => 4711, {}, Number.POSITIVE_INFINITY),
    1200,
  );
  behaviour: FarBehaviour = "accept";
  /** Connections that it takes within a second; those beyond are reset. */
  perSecond = Number.POSITIVE_INFINITY;
  private window = { start: Number.NEGATIVE_INFINITY, count: 0 };
  private readonly send: (packet: Uint8Array) => void;
  private readonly out = new Uint8Array(2048);

  constructor(send: (packet: Uint8Array) => void) {
    this.send = send;
  }

  receive(packet: Uint8Array, now: Millis): void {
    if (checkTcp(packet) !== undefined) throw new Error("damaged segment");
    const known = this.stack.find(packet);
    if (known !== undefined) {
      this.stack.receive(known, packet, now);
      return;
    }
    const isSyn = (tcpFlags(packet) & (TCP_SYN | TCP_ACK)) === TCP_SYN;
    if (isSyn && this.behaviour === "accept" && this.admits(now)) return this.open(packet, now);
    const reset = encodeRst(packet);
    if (reset !== undefined) this.send(reset);
  }

  /** Does what is due; returns whether that was anything. */
  run(now: Millis): boolean {
    const busy = this.pump(now);
    return this.transmit(now) || busy;
  }

  private admits(now: Millis): boolean {
    if (now - this.window.start >= 1000) this.window = { start: now, count: 0 };
    this.window.count += 1;
    return this.window.count <= this.perSecond;
  }

  private open(packet: Uint8Array, now: Millis): void {
    const state = { session: undefined, over: undefined, received: [], toSend: NOTHING, closes: false, reads: true };
    const far: Far = { ...state, port: 0 };
    far.session = this.stack.hold(packet, far, now);
    far.port = far.session.flow.sourcePort;
    far.session.connection.accept();
    this.fars.push(far);
  }

  private pump(now: Millis): boolean {
    let busy = false;
    for (const far of this.fars) if (far.session !== undefined && hasWork(far)) this.stack.touch(far.session);
    for (let session = this.stack.takeTouched(); session !== undefined; session = this.stack.takeTouched()) {
      busy = true;
      this.look(session, now);
      this.stack.settle(session, true);
    }
    return busy;
  }

  private look({ connection, owner: far }: TcpSession<Far>, now: Millis): void {
    for (let event = connection.poll(); event !== undefined; event = connection.poll()) {
      if (ENDS.has(event)) far.over = event;
    }
    while (far.reads && connection.readable > 0) {
      const bytes = connection.read();
      far.received.push(bytes.slice());
      connection.consumed(bytes.length);
    }
    far.toSend = far.toSend.subarray(connection.write(far.toSend, "lent", now));
    if (far.closes && far.toSend.length === 0) connection.close(now);
  }

  private transmit(now: Millis): boolean {
    let busy = false;
    for (;;) {
      const length = this.stack.transmit(this.out, 0, now);
      if (length === 0) return busy;
      busy = true;
      this.send(this.out.slice(0, length));
    }
  }
}

export function farText(far: Far): string {
  return new TextDecoder("latin1").decode(joinBytes(far.received));
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function hasWork({ session, toSend, closes }: Far): boolean {
  const connection = session?.connection;
  if (connection === undefined) return false;
  return (
    (toSend.length > 0 && connection.writable > 0) || (closes && toSend.length === 0 && OPEN.has(connection.state))
  );
}

const ENDS: ReadonlySet<string> = new Set(["remote-closed", "reset", "closed", "timed-out"]);
const OPEN: ReadonlySet<string> = new Set(["established", "close-wait"]);
const NOTHING = new Uint8Array(0);
