// The TCP connections of local programs inside the tunnel, service by service: each service has its own stack, because
// how large its segments may be depends on its name, and because it comes and goes by itself.
import { earlier, type Millis } from "../core/machine.ts";
import type { TcpFlow } from "../tcp/isn.ts";
import type { TcpSession } from "../tunnel/tcp-session.ts";
import type { TcpShared } from "../tunnel/tcp-shared.ts";
import { TcpStack } from "../tunnel/tcp-stack.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Source } from "../wire/ipv4.ts";
import { HEADERS_LENGTH } from "../wire/tcp.ts";
import { choosePort } from "./inner-ports.ts";
import type { LocalService } from "./local-services.ts";

export class LocalWay<Owner> {
  readonly service: LocalService;
  readonly stack: TcpStack<Owner>;

  constructor(service: LocalService, shared: TcpShared) {
    this.service = service;
    this.stack = new TcpStack(shared, DEFAULT_MSS);
  }
}

export class LocalWays<Owner> {
  private readonly all: readonly LocalWay<Owner>[];
  private readonly byService = new Map<LocalService, LocalWay<Owner>>();
  private readonly byAddress = new Map<Ipv4, LocalWay<Owner>[]>();
  private readonly address: Ipv4;
  private readonly random: () => number;
  /** Whose turn it is, and for how many more segments. */
  private turn = 0;
  private left = LONGEST_TURN;

  constructor(services: Iterable<LocalService>, shared: TcpShared, address: Ipv4, random: () => number) {
    this.address = address;
    this.random = random;
    this.all = [...services].map((service) => new LocalWay<Owner>(service, shared));
    for (const way of this.all) {
      this.byService.set(way.service, way);
      const same = this.byAddress.get(way.service.virtualIp);
      if (same === undefined) this.byAddress.set(way.service.virtualIp, [way]);
      else same.push(way);
    }
  }

  [Symbol.iterator](): IterableIterator<LocalWay<Owner>> {
    return this.all.values();
  }

  of(service: LocalService): LocalWay<Owner> | undefined {
    return this.byService.get(service);
  }

  /** Undefined when there is no port left. */
  connect(service: LocalService, port: number, owner: Owner, now: Millis): TcpSession<Owner> | undefined {
    const stack = this.byService.get(service)?.stack;
    const flow = { source: this.address, sourcePort: 0, destination: service.virtualIp, destinationPort: port };
    const isTaken = (sourcePort: number) => this.isTaken({ ...flow, sourcePort });
    const sourcePort = stack === undefined ? undefined : choosePort(this.random, isTaken);
    return sourcePort === undefined ? undefined : stack?.connect({ ...flow, sourcePort }, owner, now);
  }

  /** The connection that a checked segment from a service belongs to. */
  receive(packet: Uint8Array, now: Millis): TcpSession<Owner> | undefined {
    for (const { stack } of this.byAddress.get(ipv4Source(packet)) ?? []) {
      const session = stack.find(packet);
      if (session === undefined) continue;
      stack.receive(session, packet, now);
      return session;
    }
    return undefined;
  }

  /** Writes the next segment; `service` is then where it goes. Ways take turns. */
  transmit(out: Uint8Array, offset: number, now: Millis): number {
    for (let tried = 0; tried <= this.all.length; tried++) {
      const way = this.all[this.turn];
      if (way !== undefined && this.left > 0) {
        this.left -= 1;
        const length = way.stack.transmit(out, offset, now);
        if (length > 0) return length;
      }
      this.turn = this.turn + 1 < this.all.length ? this.turn + 1 : 0;
      this.left = LONGEST_TURN;
    }
    return 0;
  }

  /** Of the segment that transmit() wrote last. */
  get service(): string {
    return this.all[this.turn]?.service.id ?? "";
  }

  deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { stack } of this.all) first = earlier(first, stack.deadline());
    return first;
  }

  timeout(now: Millis): void {
    for (const { stack } of this.all) stack.timeout(now);
  }

  /** The connection of ours that this flow is, `source` being ours. */
  find(flow: TcpFlow): TcpSession<Owner> | undefined {
    for (const { stack } of this.byAddress.get(flow.destination) ?? []) {
      const session = stack.of(flow);
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /** Inner packets of that size get through to the service now. */
  limit(service: LocalService, maxPacket: number): void {
    if (maxPacket <= 0) return;
    service.maxPacket = maxPacket;
    this.byService.get(service)?.stack.setMss(Math.max(LEAST_MSS, maxPacket - HEADERS_LENGTH));
  }

  private isTaken(flow: TcpFlow): boolean {
    return this.byAddress.get(flow.destination)?.some(({ stack }) => stack.of(flow) !== undefined) === true;
  }
}

const LONGEST_TURN = 32;
/** Until the relay connection says what it takes. */
const DEFAULT_MSS = 1100;
/** However small a path is said to be. */
const LEAST_MSS = 256;
