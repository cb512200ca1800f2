// The connector: inner packets of agents to backends, and what backends answer back to the relay. One uplink for each
// service, because reference relays route back only one service per connection, and because a packet then reaches only
// backends of the service that it came in for.
import { Deadlines } from "../core/deadlines.ts";
import { earlier, type Machine, type Millis, TIMEOUT, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import type { RegistrationState } from "../tunnel/registrations.ts";
import { Uplink, type UplinkState } from "../tunnel/uplink.ts";
import { checkIpv4, ipv4Destination, ipv4Protocol, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import { checkTcp, encodeRst, tcpDestinationPort } from "../wire/tcp.ts";
import { UDP_OVERHEAD } from "../wire/udp.ts";
import type { BackendCommand, BackendEvent } from "./backend.ts";
import { BackendReports } from "./backend-reports.ts";
import { answerEcho } from "./icmp-echo.ts";
import { type ServiceEntry, Services } from "./services.ts";
import { type AnswerKind, ConnectorStats, type ReplyDrop, type RequestDrop } from "./stats.ts";
import { DEFAULT_UDP_LIMITS, encodeReply, type UdpLimits, UdpProxy } from "./udp-proxy.ts";

export interface ConnectorOptions {
  /** Entries that serviceFault() finds no fault with. */
  readonly services: readonly ServiceEntry[];
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  readonly udp?: Partial<UdpLimits>;
}

export type ConnectorInput = PeerEvent | DialEvent | BackendEvent;
export type ConnectorOutput = PeerCommand | BackendCommand | Dial | Notice | Fatal;

export interface ServiceStatus {
  readonly service: string;
  readonly connection: UplinkState;
  readonly registration: RegistrationState;
  /** Why it is denied. */
  readonly reason: string | undefined;
  /** Largest inner packet that reaches an agent now; 0 while not connected. */
  readonly maxDatagram: number;
  readonly reconnections: number;
}

/** The way of one service to the relay. */
interface Line {
  readonly service: string;
  readonly uplink: Uplink;
  /** The connection that datagrams of this service come in on. */
  peer: PeerId | undefined;
}

export class Connector implements Machine<ConnectorInput, ConnectorOutput> {
  readonly stats = new ConnectorStats();
  private readonly services: Services;
  private readonly lines = new Map<string, Line>();
  private readonly byPeer = new Map<PeerId, Line>();
  private readonly deadlines = new Deadlines<Line>();
  private readonly out = new Outbox<ConnectorOutput>();
  private readonly udp: UdpProxy;
  private readonly reports = new BackendReports();
  private dials = 0;

  constructor(options: ConnectorOptions) {
    this.services = new Services(options.services);
    this.udp = new UdpProxy(this.services, { ...DEFAULT_UDP_LIMITS, ...options.udp }, this.stats, this.out);
    for (const service of this.services.ids) {
      const uplink = new Uplink({
        role: "connector",
        services: [service],
        nextDial: () => ++this.dials,
        random: options.random,
        mayGiveUp: () => !this.hadSuccess,
      });
      const line = { service, uplink, peer: undefined };
      this.lines.set(service, line);
      this.settle(line);
    }
  }

  handle(input: ConnectorInput | Timeout, now: Millis): void {
    switch (input.type) {
      case "datagram":
        this.fromRelay(input.peer, input.bytes, now);
        break;
      case "udp-data":
        this.fromBackend(input, now);
        break;
      case "udp-failed":
        this.backendFailed(input, now);
        break;
      case "timeout":
        this.timeout(now);
        break;
      case "dialing":
      case "unresolved":
        this.tellUplink(
          this.lineOf((uplink) => uplink.expects(input.dial)),
          input,
          now,
        );
        break;
      default:
        this.tellUplink(this.byPeer.get(input.peer) ?? this.lineOf((uplink) => uplink.owns(input.peer)), input, now);
    }
  }

  poll(): ConnectorOutput | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    return earlier(this.deadlines.next(), this.udp.deadline());
  }

  /** Says goodbye to the relay and closes the backends. Nothing follows. */
  stop(now: Millis): void {
    for (const line of this.lines.values()) {
      line.uplink.stop(now);
      this.settle(line);
    }
    this.udp.closeAll();
  }

  *status(): IterableIterator<ServiceStatus> {
    for (const { service, uplink } of this.lines.values()) {
      const { state, reason } = uplink.registration(service)!;
      const { maxDatagram } = uplink;
      const { reconnections } = uplink.stats;
      yield { service, connection: uplink.state, registration: state, reason, maxDatagram, reconnections };
    }
  }

  /** UDP flows that are open now. */
  get flowCount(): number {
    return this.udp.flowCount;
  }

  private fromRelay(peer: PeerId, bytes: Uint8Array, now: Millis): void {
    const hop = this.stats.hops.agent;
    hop.received++;
    hop.receivedBytes += bytes.length;
    const line = this.byPeer.get(peer);
    if (line === undefined) {
      hop.drop("stale-connection");
      return;
    }
    const { unexpected } = line.uplink.stats;
    const packet = line.uplink.receive(bytes, now);
    if (packet !== undefined) this.fromAgent(line, packet, now);
    else if (line.uplink.stats.unexpected > unexpected) hop.drop("unexpected");
    else this.stats.control++;
    this.settle(line);
  }

  private fromAgent(line: Line, packet: Uint8Array, now: Millis): void {
    const drop = checkIpv4(packet) ?? this.dispatch(line, packet, now);
    if (drop !== undefined) this.stats.hops.agent.drop(drop);
  }

  private dispatch(line: Line, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    switch (ipv4Protocol(packet)) {
      case PROTOCOL_UDP:
        return this.udp.forward(line.service, packet, now);
      case PROTOCOL_ICMP:
        return this.echo(line, packet, now);
      case PROTOCOL_TCP:
        return this.refuseTcp(line, packet, now);
      default:
        return "unsupported-protocol";
    }
  }

  private echo(line: Line, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    const reply = answerEcho(this.services, line.service, packet);
    if (typeof reply === "string") return reply;
    this.stats.answered++;
    this.answer(line, "echo-reply", reply, now);
    return undefined;
  }

  /** There is no TCP proxy: a connection attempt is refused at once instead of timing out. */
  private refuseTcp(line: Line, packet: Uint8Array, now: Millis): RequestDrop {
    const damage = checkTcp(packet);
    if (damage !== undefined) return `tcp-${damage}`;
    const { service } = line;
    const target = this.services.backendFor(service, ipv4Destination(packet), "tcp", tcpDestinationPort(packet));
    const reset = encodeRst(packet);
    if (reset !== undefined) this.answer(line, "reset", reset, now);
    return typeof target === "string" ? target : "tcp-not-supported";
  }

  private answer(line: Line, kind: AnswerKind, packet: Uint8Array, now: Millis): void {
    if (line.uplink.send(packet, now) === "sent") this.stats.answers[kind]++;
    else this.stats.answersLost++;
  }

  private fromBackend(event: Extract<BackendEvent, { type: "udp-data" }>, now: Millis): void {
    const hop = this.stats.hops.backend;
    hop.received++;
    hop.receivedBytes += event.bytes.length;
    const drop = this.reply(event, now);
    if (drop !== undefined) hop.drop(drop);
  }

  private reply({ backend, bytes }: { backend: number; bytes: Uint8Array }, now: Millis): ReplyDrop | undefined {
    const flow = this.udp.flowOf(backend);
    const line = flow === undefined ? undefined : this.lines.get(flow.service);
    if (flow === undefined || line === undefined) return "reply-unknown-flow";
    this.say(this.reports.answered(flow.service));
    if (line.peer === undefined) return "reply-not-connected";
    if (bytes.length + UDP_OVERHEAD > line.uplink.maxDatagram) return "reply-too-large";
    line.uplink.send(encodeReply(flow, bytes), now);
    this.stats.hops.backend.forwarded++;
    this.stats.hops.backend.forwardedBytes += bytes.length;
    this.settle(line);
    return undefined;
  }

  private backendFailed({ backend, reason }: Extract<BackendEvent, { type: "udp-failed" }>, now: Millis): void {
    const flow = this.udp.failed(backend);
    if (flow === undefined) return;
    this.stats.backendFailures[reason]++;
    this.say(this.reports.failed(flow.service, reason, now));
  }

  private timeout(now: Millis): void {
    const due: Line[] = [];
    for (let line = this.deadlines.takeExpired(now); line !== undefined; line = this.deadlines.takeExpired(now)) {
      due.push(line);
    }
    for (const line of due) this.tellUplink(line, TIMEOUT, now);
    this.udp.timeout(now);
  }

  private lineOf(matches: (uplink: Uplink) => boolean): Line | undefined {
    for (const line of this.lines.values()) {
      if (matches(line.uplink)) return line;
    }
    return undefined;
  }

  private tellUplink(line: Line | undefined, input: Parameters<Uplink["handle"]>[0], now: Millis): void {
    if (line !== undefined) {
      line.uplink.handle(input, now);
      this.settle(line);
    } else if (input.type === "dialing") {
      // Nobody waits for that attempt any more.
      this.out.push({ type: "close", peer: input.peer, layer: "application", code: 0, reason: "superseded" });
    }
  }

  /** After anything was done to an uplink: its outputs, its connection and its deadline become the connector's. */
  private settle(line: Line): void {
    const { uplink } = line;
    for (let output = uplink.poll(); output !== undefined; output = uplink.poll()) this.out.push(output);
    if (line.peer !== uplink.peer) {
      if (line.peer !== undefined) this.byPeer.delete(line.peer);
      line.peer = uplink.peer;
      if (line.peer !== undefined) this.byPeer.set(line.peer, line);
    }
    const deadline = uplink.deadline();
    if (deadline === undefined) this.deadlines.clear(line);
    else this.deadlines.set(line, deadline);
  }

  private say(notice: Notice | undefined): void {
    if (notice !== undefined) this.out.push(notice);
  }

  private get hadSuccess(): boolean {
    for (const { uplink } of this.lines.values()) {
      if (uplink.hadSuccess) return true;
    }
    return false;
  }
}
