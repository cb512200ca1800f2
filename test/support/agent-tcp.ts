// The kernel of an agent, for tests: TCP connections of ours that dial through something that carries inner packets.
// What they receive is read at once unless `reading` is off.

import type { Millis } from "../../src/core/machine.ts";
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionOptions } from "../../src/tcp/connection-options.ts";
import type { TcpEvent } from "../../src/tcp/events.ts";
import { initialNumbers, type TcpFlow } from "../../src/tcp/isn.ts";
import { tcpDestinationPort } from "../../src/wire/tcp.ts";
import { testHash } from "./test-hash.ts";

export class AgentTcp {
  readonly connection: Connection;
  readonly flow: TcpFlow;
  readonly received: Uint8Array[] = [];
  readonly events: TcpEvent[] = [];
  receivedBytes = 0;
  reading = true;
  private unwritten: Uint8Array = new Uint8Array(0);
  private closing = false;

  constructor(flow: TcpFlow, now: Millis, options: Partial<ConnectionOptions> = {}) {
    this.flow = flow;
    this.connection = new Connection({ flow, mss: 1240, ...initialNumbers(flow, testHash, now), ...options });
    this.connection.connect();
  }

  /** Everything is written as soon as there is room for it. */
  write(bytes: Uint8Array, now: Millis): void {
    const joined = new Uint8Array(this.unwritten.length + bytes.length);
    joined.set(this.unwritten);
    joined.set(bytes, this.unwritten.length);
    this.unwritten = joined;
    this.proceed(now);
  }

  /** After what was written. */
  close(now: Millis): void {
    this.closing = true;
    this.proceed(now);
  }

  /** Whether a packet is for this connection. */
  owns(packet: Uint8Array): boolean {
    return tcpDestinationPort(packet) === this.flow.sourcePort;
  }

  receive(packet: Uint8Array, now: Millis): void {
    this.connection.receive(packet, 0, now);
    this.proceed(now);
  }

  timeout(now: Millis): void {
    this.connection.handleTimeout(now);
    this.proceed(now);
  }

  /** Every packet that is due. */
  packets(now: Millis): Uint8Array[] {
    const packets: Uint8Array[] = [];
    const out = new Uint8Array(1500);
    for (let length = this.connection.transmit(out, 0, now); length > 0; ) {
      packets.push(out.slice(0, length));
      length = this.connection.transmit(out, 0, now);
    }
    return packets;
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.receivedBytes);
    let offset = 0;
    for (const piece of this.received) {
      all.set(piece, offset);
      offset += piece.length;
    }
    return all;
  }

  proceed(now: Millis): void {
    const { connection } = this;
    for (let event = connection.poll(); event !== undefined; event = connection.poll()) this.events.push(event);
    for (let bytes = connection.read(); this.reading && bytes.length > 0; bytes = connection.read()) {
      this.received.push(bytes.slice());
      this.receivedBytes += bytes.length;
      connection.consumed(bytes.length);
    }
    const taken = connection.write(this.unwritten, "lent", now);
    this.unwritten = this.unwritten.subarray(taken);
    if (this.closing && this.unwritten.length === 0) connection.close(now);
  }
}
