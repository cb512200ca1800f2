// Local programs in the tunnel without a TUN device: their TCP connections and datagrams become inner packets from an
// address of their own, and the packets that come back become theirs again.
import { earlier, type Millis } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import type { KeyedHash } from "../tcp/isn.ts";
import type { Notice } from "../tunnel/peer.ts";
import { type TcpShared, tcpShared } from "../tunnel/tcp-shared.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Protocol, ipv4Source, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import { checkTcp, encodeRst } from "../wire/tcp.ts";
import { checkUdp } from "../wire/udp.ts";
import type { LocalCommand, LocalEvent, LocalSocketId } from "./local.ts";
import type { LocalConnection } from "./local-connection.ts";
import { LocalConnections } from "./local-connections.ts";
import { readLocalError } from "./local-errors.ts";
import type { LocalNetwork, ServiceState } from "./local-network.ts";
import { type LocalListener, LocalServices } from "./local-services.ts";
import { type LocalDrop, LocalStats } from "./local-stats.ts";
import { DEFAULT_LOCAL_CONNECTION_LIMITS, type LocalConnectionLimits } from "./local-table.ts";
import { DEFAULT_LOCAL_UDP_LIMITS, LocalUdp, type LocalUdpLimits } from "./local-udp.ts";
import { LocalWays } from "./local-ways.ts";
import { PacketQueue } from "./packet-queue.ts";
import { socksHost } from "./socks5-address.ts";
import { readSocksDatagram } from "./socks5-udp.ts";

export interface LocalFlowsOptions {
  readonly services: readonly { readonly id: string; readonly virtualIp: Ipv4 }[];
  /** By ListenerId. */
  readonly listeners: readonly LocalListener[];
  /** From 0 up to, but not including, 1. Chooses inner ports and the inner address: it should be hard to predict. */
  readonly random: () => number;
  /** Keyed with a secret of this process. */
  readonly hash: KeyedHash;
  readonly connections?: Partial<LocalConnectionLimits>;
  readonly udp?: Partial<LocalUdpLimits>;
  /** What slow readers may hold in all, on either side; each may hold a little however much that is. */
  readonly memoryBytes?: number;
}

type Datagram = Extract<LocalEvent, { type: "local-datagram" }>;

export class LocalFlows implements LocalNetwork {
  readonly address: Ipv4;
  readonly stats = new LocalStats();
  /** Of the packet that transmit() wrote last. */
  service = "";
  private readonly listeners: readonly LocalListener[];
  private readonly services: LocalServices;
  private readonly ways: LocalWays<LocalConnection>;
  private readonly connections: LocalConnections;
  private readonly udp: LocalUdp;
  private readonly tcp: TcpShared;
  private readonly packets = new PacketQueue();
  private readonly out = new Outbox<LocalCommand | Notice>();
  private readonly resets = new TokenBucket(RESETS, 0);
  /** When packets came that nobody has looked at: all of one wake-up are looked at together. */
  private receivedAt: Millis | undefined;

  constructor(options: LocalFlowsOptions) {
    const { random, listeners } = options;
    const { stats, out, packets } = this;
    this.address = FIRST_ADDRESS + Math.floor(random() * ADDRESSES);
    this.listeners = listeners;
    this.services = new LocalServices(options.services);
    this.tcp = tcpShared(options.hash, TCP_LIMITS, options.memoryBytes ?? MEMORY_BYTES);
    this.ways = new LocalWays(this.services.all(), this.tcp, this.address, random);
    const { address, services, ways } = this;
    const limits = { ...DEFAULT_LOCAL_CONNECTION_LIMITS, ...options.connections };
    const udpLimits = { ...DEFAULT_LOCAL_UDP_LIMITS, ...options.udp };
    this.udp = new LocalUdp({ address, random, limits: udpLimits, stats, packets, out });
    const ended = (socket: LocalSocketId) => this.udp.forget(socket);
    this.connections = new LocalConnections({ address, listeners, services, ways, limits, stats, out, ended });
  }

  handle(event: LocalEvent, now: Millis): void {
    switch (event.type) {
      case "local-datagram":
        this.datagram(event, now);
        return;
      case "local-accepted":
        this.connections.accept(event, now);
        break;
      case "local-udp-opened":
        this.connections.associated(event.socket, socksHost(event.host) ?? 0, event.port);
        break;
      case "local-udp-failed":
        this.connections.associationFailed(event.socket, now);
        break;
      default:
        this.connections.handle(event, now);
    }
    this.pump(now);
  }

  receive(packet: Uint8Array, now: Millis): boolean {
    switch (ipv4Protocol(packet)) {
      case PROTOCOL_TCP:
        return this.segment(packet, now);
      case PROTOCOL_UDP:
        return checkUdp(packet) === undefined && this.udp.receive(packet);
      case PROTOCOL_ICMP:
        return this.error(packet, now);
      default:
        return false;
    }
  }

  transmit(out: Uint8Array, offset: number, now: Millis): number {
    const queued = this.packets.take(out, offset);
    const length = queued > 0 ? queued : this.ways.transmit(out, offset, now);
    this.service = queued > 0 ? this.packets.service : this.ways.service;
    return length;
  }

  setLimit(maxInnerPacket: (service: string) => number): void {
    for (const service of this.services.all()) this.ways.limit(service, maxInnerPacket(service.id));
  }

  registration(id: string, state: ServiceState, reason: string | undefined, now: Millis): void {
    const service = this.services.get(id);
    if (service === undefined) return;
    const isBack = state === "registered" && service.state !== "registered";
    service.state = state;
    service.reason = reason;
    if (isBack) this.ways.of(service)?.stack.pathRestored(now);
    this.connections.serviceChanged(service, now);
    this.pump(now);
  }

  poll(): LocalCommand | Notice | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    return earlier(this.receivedAt, earlier(this.connections.deadline(), this.udp.deadline()));
  }

  timeout(now: Millis): void {
    this.udp.timeout(now);
    this.connections.timeout(now);
    this.pump(now);
  }

  stop(now: Millis): void {
    this.connections.closeAll();
    this.pump(now);
  }

  /** Now open. */
  get gauges(): { readonly connections: number; readonly flows: number; readonly associations: number } {
    const { connections, udp } = this;
    return { connections: connections.size, flows: udp.flowCount, associations: connections.associations.size };
  }

  /** Of all TCP connections inside the tunnel. */
  get tcpStats(): Readonly<Record<keyof TcpShared["stats"], number>> {
    return this.tcp.stats;
  }

  private pump(now: Millis): void {
    this.receivedAt = undefined;
    this.connections.pump(now);
  }

  private datagram(event: Datagram, now: Millis): void {
    const { stats } = this;
    stats.received += 1;
    const drop = this.forward(event, now);
    if (drop !== undefined) stats.drop(drop);
  }

  private forward({ socket, from, bytes }: Datagram, now: Millis): LocalDrop | undefined {
    const listener = this.listeners[socket];
    if (listener?.type === "forward") {
      const service = this.services.get(listener.service);
      if (service === undefined) return "unknown-target";
      return this.udp.forward(socket, from, service, listener.port, false, bytes, now);
    }
    const { associations } = this.connections;
    const association = associations.at(socket);
    const client = association === undefined ? undefined : associations.clientOf(association, from);
    if (client === undefined) return "foreign-client";
    const datagram = readSocksDatagram(bytes);
    if (typeof datagram === "string") return `socks-${datagram}`;
    const { target, payload } = datagram;
    const service = this.services.find(target);
    if (service === undefined || target.port === 0) return "unknown-target";
    return this.udp.forward(socket, client, service, target.port, true, payload, now);
  }

  private segment(packet: Uint8Array, now: Millis): boolean {
    if (checkTcp(packet) !== undefined) return false;
    if (this.ways.receive(packet, now) !== undefined) {
      this.receivedAt ??= now;
      return true;
    }
    this.reset(packet, now);
    return false;
  }

  /** Whoever still speaks of a connection that is gone learns it. */
  private reset(packet: Uint8Array, now: Millis): void {
    const service = this.services.find({ type: "ipv4", address: ipv4Source(packet), port: 0 });
    const answer = service === undefined ? undefined : encodeRst(packet);
    const room = answer === undefined ? undefined : this.packets.next();
    if (service === undefined || answer === undefined || room === undefined || !this.resets.allow(now)) return;
    room.set(answer);
    this.packets.commit(answer.length, service.id);
  }

  private error(packet: Uint8Array, now: Millis): boolean {
    const error = readLocalError(packet);
    if (error === undefined || error.flow.source !== this.address) return false;
    const { flow, kind, nextHopMtu, isTcp } = error;
    const session = isTcp ? this.ways.find(flow) : undefined;
    if (isTcp && session === undefined) return false;
    const service = this.services.find({ type: "ipv4", address: flow.destination, port: 0 });
    if (service === undefined) return false;
    if (kind === "too-large") {
      if (nextHopMtu < service.maxPacket) this.ways.limit(service, Math.max(nextHopMtu, LEAST_MTU));
    } else if (session !== undefined) this.connections.unreachable(session, kind, now);
    this.receivedAt ??= now;
    return true;
  }
}

/** 100.96.0.0/11: within what relays use, away from the first addresses, which TUN devices have. Two agents of one
 *  identity seldom choose the same, so a relay tells them apart after a restart, too. */
const FIRST_ADDRESS = 0x6460_0000;
const ADDRESSES = 2 ** 21;
const MEMORY_BYTES = 128 * 1024 * 1024;
/** The peer that keeps silent for a day may still be there: asking only makes one that has forgotten us say so. */
const TCP_LIMITS = {
  handshakeTimeoutMs: 15_000,
  keepalive: { idleMs: 60_000, intervalMs: 60_000, probes: Number.POSITIVE_INFINITY },
} as const;
const RESETS = { perSecond: 100, burst: 100 };
/** However small a path is said to be. */
const LEAST_MTU = 576;
