// An agent for simulations whose host has one TCP connection: ours, actively opened through the tunnel. Keeps what
// arrives and writes what it is given as fast as it is taken.
import { earlier, type Millis, type TIMEOUT } from "../../src/core/machine.ts";
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionLimits } from "../../src/tcp/connection-options.ts";
import type { TcpEvent } from "../../src/tcp/events.ts";
import type { DialEvent, PeerEvent } from "../../src/tunnel/peer.ts";
import { Uplink, type UplinkOutput } from "../../src/tunnel/uplink.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_TCP } from "../../src/wire/ipv4.ts";
import { checkTcp } from "../../src/wire/tcp.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { concatenated } from "./plain-tcp.ts";

export interface TcpAgentOptions {
  readonly service: string;
  readonly address: number;
  readonly port: number;
  readonly random: () => number;
  readonly limits?: Partial<ConnectionLimits>;
}

export class SimulatedTcpAgent {
  readonly uplink: Uplink;
  readonly connection: Connection;
  /** "readable" aside: that is in what was read. */
  readonly events: TcpEvent[] = [];
  private readonly options: TcpAgentOptions;
  private readonly received: Uint8Array[] = [];
  private readonly unwritten: Uint8Array[] = [];
  private readonly packet = new Uint8Array(MAX_PACKET);
  private finishing = false;
  private dials = 0;

  constructor(options: TcpAgentOptions) {
    this.options = options;
    const { service, address, port, random, limits } = options;
    const number = () => Math.floor(random() * 2 ** 32);
    this.uplink = new Uplink({ role: "agent", services: [service], nextDial: () => ++this.dials, random });
    this.connection = new Connection({
      flow: { source: 0x6440_0001, sourcePort: 50_000, destination: address, destinationPort: port },
      ...{ mss: MSS, initialSequence: number(), timestampOffset: number(), ...limits },
    });
  }

  get bytes(): Uint8Array {
    return concatenated(this.received);
  }

  open(now: Millis): void {
    this.connection.connect();
    this.move(now);
  }

  write(bytes: Uint8Array, now: Millis): void {
    this.unwritten.push(bytes);
    this.move(now);
  }

  finish(now: Millis): void {
    this.finishing = true;
    this.move(now);
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    if (input.type === "timeout") this.connection.handleTimeout(now);
    if (input.type !== "datagram") this.uplink.handle(input, now);
    else if (input.peer === this.uplink.peer) this.receive(input.bytes, now);
    this.move(now);
  }

  poll(): UplinkOutput | undefined {
    return this.uplink.poll();
  }

  deadline(): Millis | undefined {
    return earlier(this.uplink.deadline(), this.connection.deadline());
  }

  private receive(bytes: Uint8Array, now: Millis): void {
    const inner = this.uplink.receive(bytes, now);
    if (inner === undefined || checkIpv4(inner) !== undefined) return;
    if (ipv4Protocol(inner) === PROTOCOL_TCP && checkTcp(inner) === undefined) this.connection.receive(inner, 0, now);
  }

  private move(now: Millis): void {
    const { connection } = this;
    for (let event = connection.poll(); event !== undefined; event = connection.poll()) {
      if (event !== "readable") this.events.push(event);
    }
    while (connection.readable > 0) {
      const view = connection.read();
      this.received.push(view.slice());
      connection.consumed(view.length);
    }
    this.writeMore(now);
    for (let length = this.transmit(now); length > 0; length = this.transmit(now)) {
      this.uplink.send(encodeRouted(this.options.service, this.packet.slice(0, length)), now);
    }
  }

  private writeMore(now: Millis): void {
    for (let next = this.unwritten[0]; next !== undefined; next = this.unwritten[0]) {
      const taken = this.connection.write(next, "lent", now);
      if (taken === next.length) this.unwritten.shift();
      else this.unwritten[0] = next.subarray(taken);
      if (taken === 0) return;
    }
    if (!this.finishing) return;
    this.finishing = false;
    this.connection.close(now);
  }

  private transmit(now: Millis): number {
    return this.connection.transmit(this.packet, 0, now);
  }
}

const MAX_PACKET = 2000;
const MSS = 1250;
