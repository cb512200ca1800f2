// The agent: packets of this host to services, and what services answer back. Packets come from a TUN device, or from
// local flows that speak TCP and UDP themselves, or from both; each has an inner address of its own. One uplink carries
// all services. While the relay connection takes nothing more, nothing more is cut, made or taken: senders slow down.
import { earlier, type Machine, type Millis, TIMEOUT, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import type { RegistrationState } from "../tunnel/registrations.ts";
import { Uplink, type UplinkState } from "../tunnel/uplink.ts";
import type { Ipv4, SocketAddress } from "../wire/address.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { Announcements } from "./announcements.ts";
import type { LocalCommand, LocalEvent } from "./local.ts";
import type { LocalNetwork } from "./local-network.ts";
import { LocalPath } from "./local-path.ts";
import { Outbound } from "./outbound.ts";
import { type AgentService, type Route, Routes } from "./routes.ts";
import { AgentStats, type InboundDrop } from "./stats.ts";
import { TunPath, type TunRead, type TunWrite } from "./tun-path.ts";

/** The largest packet that gets through to every service changed. */
export type TunMtu = { readonly type: "tun-mtu"; readonly mtu: number };

export interface AgentOptions {
  /** Services that agentServicesFault() finds no fault with. */
  readonly services: readonly AgentService[];
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** How many datagrams the relay connection should be given now. More may be asked after any input. */
  readonly room: (peer: PeerId) => number;
  /** The inner address of the TUN device, if there is one. */
  readonly tunAddress?: Ipv4 | undefined;
  /** Its inner address is another one. */
  readonly local?: LocalNetwork | undefined;
}

export type AgentInput = PeerEvent | DialEvent | TunRead | LocalEvent;
export type AgentOutput = PeerCommand | Dial | Notice | Fatal | TunWrite | TunMtu | LocalCommand;

export interface AgentServiceStatus {
  readonly service: string;
  readonly virtualIp: Ipv4;
  readonly registration: RegistrationState;
  /** Why it is denied. */
  readonly reason: string | undefined;
  /** Largest inner packet that reaches it now; 0 while not connected. */
  readonly maxPacket: number;
}

export class Agent implements Machine<AgentInput, AgentOutput> {
  readonly stats = new AgentStats();
  readonly uplink: Uplink;
  /** Of the connection in use. */
  relayAddress: SocketAddress | undefined;
  private readonly room: (peer: PeerId) => number;
  private readonly routes: Routes;
  private readonly outbound: Outbound;
  private readonly tun: TunPath | undefined;
  private readonly local: LocalPath | undefined;
  private readonly out = new Outbox<AgentOutput>();
  private readonly announcements: Announcements;
  /** Services that the relay knows now. */
  private readonly known = new Set<Route>();
  private localsTurn = false;
  private maxDatagram = 0;
  private dials = 0;
  private now: Millis = 0;

  constructor({ services, random, room, tunAddress, local }: AgentOptions) {
    this.room = room;
    const ids = services.map(({ id }) => id);
    this.uplink = new Uplink({ role: "agent", services: ids, nextDial: () => ++this.dials, random });
    this.routes = new Routes(services, (service) => this.uplink.registration(service));
    this.outbound = new Outbound(this.uplink, this.routes);
    const push = (output: AgentOutput) => this.out.push(output);
    this.tun = tunAddress === undefined ? undefined : new TunPath(tunAddress, this.outbound, this.stats, push);
    this.local = local && new LocalPath(local, this.outbound, this.stats, push);
    const addresses = [this.tun?.address, this.local?.network.address].filter((address) => address !== undefined);
    this.announcements = new Announcements(addresses, Math.floor(random() * 0x1_0000));
    this.settle(0);
  }

  handle(input: AgentInput | Timeout, now: Millis): void {
    this.now = now;
    switch (input.type) {
      case "datagram":
        this.fromRelay(input.peer, input.bytes, now);
        break;
      case "tun-read":
        this.tun?.read(input, now);
        break;
      case "timeout":
        this.uplinkTimeout(now);
        this.tun?.timeout(now);
        this.local?.timeout(now);
        this.announce(now);
        break;
      case "writable":
        break;
      case "connected":
        this.uplink.handle(input, now);
        if (this.uplink.peer === input.peer) this.relayAddress = input.address;
        this.settle(now);
        break;
      case "datagram-limit":
      case "heard":
      case "moved":
      case "dial-failed":
      case "disconnected":
      case "dialing":
      case "unresolved":
        this.uplink.handle(input, now);
        this.settle(now);
        break;
      default:
        this.local?.handle(input, now);
    }
  }

  /** Packets are made when they are asked for: the bytes of one are valid until the next call. */
  poll(): AgentOutput | undefined {
    return this.out.shift() ?? this.nextPacket() ?? this.out.shift();
  }

  deadline(): Millis | undefined {
    const ours = earlier(this.uplink.deadline(), this.announcements.deadline());
    return earlier(earlier(ours, this.tun?.deadline()), this.local?.network.deadline());
  }

  /** Says goodbye to programs, and to the relay. Nothing follows. */
  stop(now: Millis): void {
    this.tun?.drop("not-connected");
    this.local?.stop(now);
    for (let next = this.nextPacket(); next !== undefined; next = this.nextPacket()) this.out.push(kept(next));
    this.uplink.stop(now);
    this.settle(now);
  }

  /** Whether a read of the TUN device may be handed over: the last one is on its way, and there is room for more. */
  get takesPackets(): boolean {
    return (this.tun?.waiting ?? 0) === 0 && (this.uplink.peer === undefined || this.hasRoom(this.uplink.peer));
  }

  /** The largest inner packet that gets through to every service; 0 while not connected. */
  get mtu(): number {
    return this.outbound.maxPacketToAll;
  }

  get connection(): UplinkState {
    return this.uplink.state;
  }

  *status(): IterableIterator<AgentServiceStatus> {
    for (const route of this.routes.all()) {
      const { state, reason } = route.registration;
      const { id: service, virtualIp } = route;
      yield { service, virtualIp, registration: state, reason, maxPacket: this.outbound.maxPacket(route) };
    }
  }

  /** Local flows want a timeout after every batch of packets: the uplink's services are not walked for that. */
  private uplinkTimeout(now: Millis): void {
    const deadline = this.uplink.deadline();
    if (deadline === undefined || now < deadline) return;
    this.uplink.handle(TIMEOUT, now);
    this.settle(now);
  }

  private fromRelay(peer: PeerId, bytes: Uint8Array, now: Millis): void {
    const { uplink } = this;
    const hop = this.stats.hops.relay;
    hop.receive(bytes.length);
    if (peer !== uplink.peer) return hop.drop("stale-connection");
    const { unexpected } = uplink.stats;
    const packet = uplink.receive(bytes, now);
    if (packet === undefined) {
      if (uplink.stats.unexpected > unexpected) hop.drop("unexpected");
      else this.stats.control += 1;
      return this.settle(now);
    }
    const fault = this.deliver(packet, now);
    if (fault === "control") this.stats.control += 1;
    else if (fault !== undefined) hop.drop(fault);
    else hop.forward(packet.length);
  }

  /** Only services of ours speak to us, and only to addresses of ours: nothing else reaches the host's kernel. */
  private deliver(packet: Uint8Array, now: Millis): InboundDrop | "control" | undefined {
    const fault = checkIpv4(packet);
    if (fault !== undefined) return fault;
    const route = this.routes.at(ipv4Source(packet));
    if (route === undefined || route.registration.state === "denied") return "foreign-source";
    if (this.announcements.heard(packet)) return "control";
    const destination = ipv4Destination(packet);
    if (this.tun !== undefined && destination === this.tun.address) return this.tun.deliver(packet, now);
    if (this.local === undefined || destination !== this.local.network.address) return "foreign-destination";
    return this.local.receive(packet, now) ? undefined : "no-flow";
  }

  /** From the device and from local flows in turn. */
  private nextPacket(): AgentOutput | undefined {
    const { tun, local } = this;
    const tunReady = tun?.ready === true;
    const localReady = local?.ready === true;
    const { peer } = this.uplink;
    if ((!tunReady && !localReady) || peer === undefined || !this.hasRoom(peer)) return undefined;
    this.localsTurn = localReady && (!tunReady || !this.localsTurn);
    const next = this.localsTurn ? local?.next(this.now) : tun?.next(this.now);
    return next ?? (this.localsTurn ? tun?.next(this.now) : undefined);
  }

  private hasRoom(peer: PeerId): boolean {
    return this.room(peer) > 0;
  }

  /** After anything was done to the uplink. */
  private settle(now: Millis): void {
    const { uplink } = this;
    for (let output = uplink.poll(); output !== undefined; output = uplink.poll()) this.out.push(output);
    if (uplink.peer === undefined) {
      this.relayAddress = undefined;
      this.tun?.drop("not-connected");
    }
    if (uplink.maxDatagram > 0 && uplink.maxDatagram !== this.maxDatagram) {
      this.maxDatagram = uplink.maxDatagram;
      if (this.tun !== undefined) this.out.push({ type: "tun-mtu", mtu: this.mtu });
      this.local?.limitChanged();
    }
    this.local?.tellRegistrations(now);
    this.noteRegistrations(now);
  }

  /** Whoever is known again after a reconnection is told that we are back. */
  private noteRegistrations(now: Millis): void {
    for (const route of this.routes.all()) {
      if (route.registration.state !== "registered") this.known.delete(route);
      else if (!this.known.has(route)) {
        this.known.add(route);
        if (this.uplink.stats.reconnections > 0) this.announcements.begin(route, now);
      }
    }
    this.announce(now);
  }

  private announce(now: Millis): void {
    for (let next = this.announcements.take(now); next !== undefined; next = this.announcements.take(now)) {
      const { route, packet } = next;
      if (this.outbound.fault(route) !== undefined) continue;
      this.uplink.send(concatenate(route.head, packet), now);
      this.stats.announcements += 1;
      for (let output = this.uplink.poll(); output !== undefined; output = this.uplink.poll()) this.out.push(output);
    }
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Bytes of an output are borrowed; this one is not passed on at once. */
function kept(output: AgentOutput): AgentOutput {
  return output.type === "send" ? { ...output, bytes: output.bytes.slice() } : output;
}
