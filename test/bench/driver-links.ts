// All connections of the driver on one batched socket. Each comes from a loopback address of its own, as agents do: the
// kernel joins packets of one sender only. A paced run lives in flush(), without a promise or timer in the way.
import { Deadlines } from "../../src/core/deadlines.ts";
import { Delays } from "../../src/core/delays.ts";
import type { Millis } from "../../src/core/machine.ts";
import { DelayedAcks } from "../../src/quic/delayed-acks.ts";
import type { NativeConfig } from "../../src/quic/native.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { KernelAddress } from "../../src/runtime/kernel-address.ts";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { UdpSocket, UdpSocketHandlers } from "../../src/runtime/udp-socket.ts";
import { DriverLink, ID_BYTES } from "./driver-link.ts";
import { Rota } from "./rota.ts";

export interface PacedRun {
  readonly agents: readonly DriverLink[];
  readonly datagram: Uint8Array;
  /** Where in the datagram the time goes. */
  readonly sentAt: number;
  /** Datagrams per second of all agents together. */
  readonly rate: number;
  readonly ms: Millis;
}

export interface Offered {
  readonly offered: number;
  /** Offered while the connection's own queue was full: never sent. */
  readonly refused: number;
  readonly ms: Millis;
}

interface RunUnderWay extends PacedRun {
  readonly startedAt: Millis;
  offered: number;
  missed: number;
  refused: number;
  readonly over: (result: Offered) => void;
}

export class DriverLinks implements UdpSocketHandlers {
  readonly delays = new Delays();
  readonly #links: DriverLink[] = [];
  readonly #due = new Deadlines<DriverLink>();
  readonly #relay: { readonly host: string; readonly port: number };
  /** As the product's endpoint does. */
  readonly #acks = new DelayedAcks<DriverLink>();
  readonly #readable: DriverLink[] = [];
  #dirty: DriverLink[] = [];
  #socket: UdpSocket | undefined;
  #run: RunUnderWay | undefined;
  readonly #rota = new Rota(KEEPALIVE_MS, monotonicClock.now());
  #lost: string | undefined;
  /** Told after each turn: somebody waits for registrations. */
  onTurn: () => void = () => {};

  constructor(relay: { readonly host: string; readonly port: number }) {
    this.#relay = relay;
  }

  async open(): Promise<void> {
    const { socket } = await openUdp([{ host: "0.0.0.0", port: 0 }], this, { io: "linux" });
    this.#socket = socket;
    socket.wake();
  }

  /** Starts a handshake. */
  add(role: "agent" | "connector", config: NativeConfig): DriverLink {
    const index = this.#links.length;
    const link = new DriverLink(index, role, config, this.#pathOf(index));
    this.#links.push(link);
    this.#touch(link);
    return link;
  }

  /** Offers datagrams at a steady rate, agent after agent. */
  run(run: PacedRun): Promise<Offered> {
    return new Promise((over) => {
      this.#run = { ...run, startedAt: monotonicClock.now(), offered: 0, missed: 0, refused: 0, over };
    });
  }

  /** Why a connection ended, if one did: whatever is measured afterwards says nothing. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Datagrams that wait in the connections' own queues. */
  get waiting(): number {
    return this.#links.reduce((sum, link) => sum + link.waiting, 0);
  }

  /** Packets that found the receive buffer full. */
  get kernelDrops(): number {
    return this.#socket?.stats.kernelDrops ?? 0;
  }

  receive(packet: Uint8Array): void {
    const link = this.#links[indexIn(packet)];
    if (link === undefined) return;
    link.receive(packet);
    const now = monotonicClock.now();
    // A batch of the socket holds thousands of packets, quiche's queue a thousand datagrams: what is not read is lost.
    if (link.unread >= UNREAD_PACKETS) link.read(now, this.delays);
    if (!link.readable) this.#readable.push(link);
    link.readable = true;
    if (this.#acks.received(link, now)) this.#touch(link);
  }

  flush(): Millis | undefined {
    const now = monotonicClock.now();
    for (let link = this.#due.takeExpired(now); link; link = this.#due.takeExpired(now)) {
      link.handleTimeout();
      this.#touch(link);
    }
    for (const link of this.#readable) {
      link.readable = false;
      link.read(now, this.delays);
    }
    this.#readable.length = 0;
    for (let link = this.#acks.takeDue(now); link; link = this.#acks.takeDue(now)) this.#touch(link);
    const tick = this.#offer(now);
    this.#keepAlive(now);
    this.#transmit(now);
    this.onTurn();
    return Math.min(tick, this.#due.next() ?? tick, this.#acks.deadline() ?? tick);
  }

  #offer(now: Millis): Millis {
    const run = this.#run;
    if (run === undefined) return now + IDLE_TICK_MS;
    const elapsed = Math.min(now - run.startedAt, run.ms);
    const due = Math.floor((elapsed * run.rate) / 1000);
    // What this process had no time for is not made up for in a burst that no sender would make.
    run.missed = Math.max(run.missed, due - run.offered - Math.ceil((MAX_BURST_MS * run.rate) / 1000));
    new DataView(run.datagram.buffer).setFloat64(run.sentAt, now);
    for (; run.offered < due - run.missed; run.offered++) {
      const link = run.agents[run.offered % run.agents.length]!;
      if (!link.offer(run.datagram, now)) run.refused++;
      this.#touch(link);
    }
    if (elapsed < run.ms) return now + TICK_MS;
    this.#run = undefined;
    run.over({ offered: run.offered, refused: run.refused, ms: now - run.startedAt });
    return now;
  }

  /** Spread evenly: no round of a benchmark meets them all at once. */
  #keepAlive(now: Millis): void {
    for (let i = this.#rota.take(this.#links.length, now); i > 0; i--) {
      const link = this.#links[this.#rota.next(this.#links.length)]!;
      if (!link.registered) continue;
      link.keepAlive();
      this.#touch(link);
    }
  }

  #transmit(now: Millis): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const links = this.#dirty;
    this.#dirty = [];
    for (const link of links) {
      if (!link.write(socket.batch)) {
        this.#dirty.push(link);
        continue;
      }
      link.dirty = false;
      this.#lost ??= link.ending;
      const timeout = link.timeout();
      if (timeout !== null) this.#due.set(link, now + timeout + 1);
    }
    socket.flush();
  }

  #touch(link: DriverLink): void {
    if (link.dirty) return;
    link.dirty = true;
    this.#dirty.push(link);
  }

  #pathOf(index: number): KernelAddress {
    const { host, port } = this.#relay;
    const to = this.#socket!.remote(host, port) as KernelAddress;
    const source = Uint8Array.of(127, 1 + (index >> 14), (index >> 6) & 0xff, 1 + (index & 0x3f));
    return new KernelAddress(host, port, { ...to.local, host: source.join("."), source });
  }
}

/** Which connection a packet from the relay is for. */
function indexIn(packet: Uint8Array): number {
  // A long header has a version and the length of the id before it (RFC 8999, 5.1).
  const at = (packet[0]! & 0x80) === 0 ? 1 : 6;
  if (packet.length < at + ID_BYTES) return -1;
  return ((packet[at]! << 24) | (packet[at + 1]! << 16) | (packet[at + 2]! << 8) | packet[at + 3]!) >>> 0;
}

/** Small datagrams come sixteen and more in a packet. */
const UNREAD_PACKETS = 16;
const TICK_MS = 1;
const MAX_BURST_MS = 4;
const IDLE_TICK_MS = 10;
/** Well within the idle timeout of 30 s, also when this process has little time. */
const KEEPALIVE_MS = 15_000;
