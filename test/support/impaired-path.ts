// A bad network path in user space, for machines without the netem queue: forwards UDP between clients and one target,
// as a NAT does, and does to it what two ImpairedLinks say. Uses the product's batched sockets, so that it is not what
// limits the transfer.
import type { Millis } from "../../src/core/machine.ts";
import { earlier } from "../../src/core/machine.ts";
import { MAX_UDP_PAYLOAD } from "../../src/quic/settings.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { BindAddress, UdpSocket, UdpSocketHandlers } from "../../src/runtime/udp-socket.ts";
import type { SocketAddress } from "../../src/wire/address.ts";
import { DelayLine } from "./delay-line.ts";
import { ImpairedLink, type PathConditions, type PathCounters, PERFECT_PATH } from "./impaired-link.ts";

export type PathDirection = "up" | "down";

export interface PathOptions {
  readonly listen: BindAddress;
  /** Where clients' packets go. "up" is towards it. */
  readonly target: BindAddress;
  readonly seed: number;
}

interface Route {
  readonly socket: UdpSocket;
  readonly to: SocketAddress;
}

interface Client {
  readonly address: SocketAddress;
  /** Undefined while its socket towards the target is being opened. */
  upstream: Route | undefined;
  readonly early: Uint8Array[];
}

export class ImpairedPath implements Disposable {
  readonly #target: BindAddress;
  readonly #directions: Readonly<Record<PathDirection, Direction>>;
  /** The least recently opened first. */
  readonly #clients = new Map<SocketAddress, Client>();
  readonly #flush = () => this.#releaseDue();
  #listening: UdpSocket | undefined;

  static async open(options: PathOptions): Promise<ImpairedPath> {
    const path = new ImpairedPath(options);
    path.#listening = await openSocket(options.listen, {
      receive: (packet, from) => path.#fromClient(packet, from),
      flush: path.#flush,
    });
    return path;
  }

  private constructor({ target, seed }: PathOptions) {
    this.#target = target;
    this.#directions = { up: new Direction(seed), down: new Direction(seed + 1) };
  }

  get port(): number {
    return this.#listening!.local[0]!.port;
  }

  set(conditions: Partial<PathConditions>, direction?: PathDirection): void {
    for (const each of this.#of(direction)) each.link.set(conditions);
  }

  blackOut(ms: Millis, direction?: PathDirection): void {
    const until = monotonicClock.now() + ms;
    for (const each of this.#of(direction)) each.link.blackOut(until);
  }

  counters(): Record<PathDirection, PathCounters> {
    const { up, down } = this.#directions;
    return { up: up.link.counters, down: down.link.counters };
  }

  /** Packets that the kernel dropped because this process did not read them in time. */
  get kernelDrops(): number {
    let drops = this.#listening!.stats.kernelDrops;
    for (const { upstream } of this.#clients.values()) drops += upstream?.socket.stats.kernelDrops ?? 0;
    return drops;
  }

  [Symbol.dispose](): void {
    this.#listening?.close();
    for (const { upstream } of this.#clients.values()) upstream?.socket.close();
    this.#clients.clear();
  }

  #of(direction: PathDirection | undefined): readonly Direction[] {
    const { up, down } = this.#directions;
    return direction === undefined ? [up, down] : [this.#directions[direction]];
  }

  #fromClient(packet: Uint8Array, from: SocketAddress): void {
    const { upstream, early } = this.#clients.get(from) ?? this.#welcome(from);
    if (upstream !== undefined) this.#directions.up.take(packet, upstream);
    else if (early.length < MAX_EARLY) early.push(packet.slice());
    else this.#directions.up.refuse();
  }

  /** Each client has a socket of its own towards the target, which sees them apart. */
  #welcome(address: SocketAddress): Client {
    for (const [oldest, { upstream }] of this.#clients) {
      if (this.#clients.size < MAX_CLIENTS) break;
      this.#clients.delete(oldest);
      upstream?.socket.close();
    }
    const client: Client = { address, upstream: undefined, early: [] };
    this.#clients.set(address, client);
    const toClient = { socket: this.#listening!, to: address };
    const receive = (packet: Uint8Array) => this.#directions.down.take(packet, toClient);
    void openSocket({ host: "0.0.0.0", port: 0 }, { receive, flush: this.#flush }).then((socket) => {
      if (this.#clients.get(address) !== client) return socket.close();
      client.upstream = { socket, to: socket.remote(this.#target.host, this.#target.port) };
      for (const packet of client.early.splice(0)) this.#directions.up.take(packet, client.upstream);
    });
    return client;
  }

  #releaseDue(): Millis | undefined {
    const now = monotonicClock.now();
    const { up, down } = this.#directions;
    up.release(now);
    down.release(now);
    this.#listening?.flush();
    for (const { upstream } of this.#clients.values()) upstream?.socket.flush();
    return earlier(up.next(), down.next());
  }
}

class Direction {
  readonly link: ImpairedLink;
  readonly #line = new DelayLine<Route>(PERFECT_PATH.capacity, MAX_UDP_PAYLOAD);
  readonly #forward = (packet: Uint8Array, route: Route) => this.#send(packet, route);

  constructor(seed: number) {
    this.link = new ImpairedLink(seed);
  }

  next(): Millis | undefined {
    return this.#line.next();
  }

  take(packet: Uint8Array, route: Route): void {
    const now = monotonicClock.now();
    const copies = this.link.admit(packet.length, now);
    for (let copy = 0; copy < copies; copy++) {
      const due = this.link.departures[copy as 0 | 1];
      if (due <= now && this.#line.waiting === 0) this.#send(packet, route);
      else if (!this.#line.hold(packet, route, due)) this.link.counters.overflowed++;
    }
  }

  /** There was no room for a packet before the path came to look at it. */
  refuse(): void {
    this.link.counters.received++;
    this.link.counters.overflowed++;
  }

  release(now: Millis): void {
    this.#line.release(now, this.#forward);
  }

  #send(packet: Uint8Array, { socket, to }: Route): void {
    const { batch } = socket;
    if (batch.full) socket.flush();
    if (batch.full || packet.length > MAX_UDP_PAYLOAD) {
      this.link.counters.overflowed++;
      return;
    }
    batch.next().set(packet);
    batch.commit(packet.length, to);
    this.link.counters.forwarded++;
  }
}

async function openSocket(address: BindAddress, handlers: UdpSocketHandlers): Promise<UdpSocket> {
  const { socket } = await openUdp([address], handlers, { io: "auto" });
  socket.wake();
  return socket;
}

const MAX_CLIENTS = 32;
const MAX_EARLY = 256;
