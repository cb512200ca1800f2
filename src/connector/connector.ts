// The connector: inner packets of agents to backends, and what backends answer back to the relay.
import { earlier, type Machine, type Millis, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { KeyedHash } from "../tcp/isn.ts";
import type { TcpStats } from "../tcp/stats.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import { encodeRst } from "../wire/tcp.ts";
import { UDP_OVERHEAD } from "../wire/udp.ts";
import type { BackendCommand, BackendEvent, BackendFailure, UdpEvent } from "./backend.ts";
import { BackendReports } from "./backend-reports.ts";
import { answerEcho } from "./icmp-echo.ts";
import { type Line, Lines, type ServiceStatus } from "./lines.ts";
import { type ServiceEntry, Services } from "./services.ts";
import { type AnswerKind, ConnectorStats, type ReplyDrop, type RequestDrop } from "./stats.ts";
import { DEFAULT_TCP_LIMITS, type TcpLimits, TcpProxy } from "./tcp-proxy.ts";
import { DEFAULT_UDP_LIMITS, encodeReply, type UdpLimits, UdpProxy } from "./udp-proxy.ts";

export interface ConnectorOptions {
  /** Entries that serviceFault() finds no fault with. */
  readonly services: readonly ServiceEntry[];
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Keyed with a secret of this process. */
  readonly hash: KeyedHash;
  /** Datagrams that a connection takes before later ones would have to wait; after 0, "writable" follows. */
  readonly room?: (peer: PeerId) => number;
  readonly udp?: Partial<UdpLimits>;
  readonly tcp?: Partial<TcpLimits>;
}

export type ConnectorInput = PeerEvent | DialEvent | BackendEvent;
export type ConnectorOutput = PeerCommand | BackendCommand | Dial | Notice | Fatal;

export class Connector implements Machine<ConnectorInput, ConnectorOutput> {
  readonly stats = new ConnectorStats();
  private readonly services: Services;
  private readonly lines: Lines;
  private readonly out = new Outbox<ConnectorOutput>();
  private readonly udp: UdpProxy;
  private readonly tcp: TcpProxy;
  private readonly reports = new BackendReports();
  private now: Millis = 0;

  constructor(options: ConnectorOptions) {
    const { random, hash, room = () => UNLIMITED } = options;
    const { stats, out } = this;
    const services = new Services(options.services);
    this.services = services;
    this.udp = new UdpProxy(services, { ...DEFAULT_UDP_LIMITS, ...options.udp }, stats, out);
    const limits = { ...DEFAULT_TCP_LIMITS, ...options.tcp };
    const report = this.report.bind(this);
    this.tcp = new TcpProxy({ services, limits, hash, room, stats, out, report });
    this.lines = new Lines({ services: services.ids, random, out, settled: (line, now) => this.settled(line, now) });
  }

  handle(input: ConnectorInput | Timeout, now: Millis): void {
    this.now = now;
    this.tcp.lines.input(now, input.type === "stream-taken" || input.type === "timeout");
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
      case "stream-opened":
      case "stream-failed":
      case "stream-data":
      case "stream-taken":
      case "stream-writable":
      case "stream-ended":
      case "stream-broken":
        this.tcp.handle(input, now);
        break;
      case "timeout":
        this.lines.timeout(now);
        this.udp.timeout(now);
        this.tcp.lines.turn(now);
        break;
      case "writable":
        this.tcp.lines.writable(this.lines.at(input.peer)?.service ?? "");
        break;
      default:
        this.lines.handle(input, now);
    }
  }

  /** TCP segments come last, one at a time: each only if there is still room for it. */
  poll(): ConnectorOutput | undefined {
    return this.out.shift() ?? this.nextSegment();
  }

  deadline(): Millis | undefined {
    return earlier(earlier(this.lines.deadline(), this.udp.deadline()), this.tcp.lines.deadline());
  }

  /** Says goodbye to the relay and closes the backends. Nothing follows. */
  stop(now: Millis): void {
    this.lines.stop(now);
    this.udp.closeAll();
    this.tcp.closeAll();
  }

  status(): IterableIterator<ServiceStatus> {
    return this.lines.status();
  }

  /** UDP flows that are open now. */
  get flowCount(): number {
    return this.udp.flowCount;
  }

  /** TCP connections that are open now. */
  get sessionCount(): number {
    return this.tcp.sessionCount;
  }

  /** Why the service's backend failed last; undefined when it has answered since, or was never asked. */
  backendFailure(service: string): BackendFailure | undefined {
    return this.reports.failure(service);
  }

  get segments(): Readonly<Record<keyof TcpStats, number>> {
    return this.tcp.shared.stats;
  }

  private nextSegment(): PeerCommand | undefined {
    const next = this.tcp.lines.next();
    if (next === undefined || next.line.peer === undefined) return undefined;
    const { line, bytes } = next;
    if (!line.sentInTurn) this.sending(line.service);
    line.sentInTurn = true;
    return { type: "send", peer: next.line.peer, bytes };
  }

  /** Once for all segments of a turn: what is sent ought to be answered. */
  private sending(service: string): void {
    const line = this.lines.of(service);
    if (line === undefined) return;
    line.uplink.sending(this.now);
    this.lines.settle(line, this.now);
  }

  private settled({ service, uplink, peer }: Line, now: Millis): void {
    // A relay drops what comes from a connection that it does not know to serve anything.
    const usable = uplink.registration(service)?.state === "registered";
    this.tcp.lines.path(service, usable ? peer : undefined, uplink.maxDatagram, now);
  }

  private fromRelay(peer: PeerId, bytes: Uint8Array, now: Millis): void {
    const hop = this.stats.hops.agent;
    hop.received++;
    hop.receivedBytes += bytes.length;
    const line = this.lines.at(peer);
    if (line === undefined) {
      hop.drop("stale-connection");
      return;
    }
    const { unexpected } = line.uplink.stats;
    const packet = line.uplink.receive(bytes, now);
    if (packet !== undefined) this.fromAgent(line, packet, now);
    else if (line.uplink.stats.unexpected > unexpected) hop.drop("unexpected");
    else this.stats.control++;
    this.lines.settle(line, now);
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
        return this.segment(line, packet, now);
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

  /** What belongs to no connection and begins none is refused at once instead of timing out. */
  private segment(line: Line, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    const drop = this.tcp.forward(line.service, packet, now);
    if (drop === undefined || WITHOUT_RESET.has(drop)) return drop;
    const reset = encodeRst(packet);
    if (reset !== undefined) this.answer(line, "reset", reset, now);
    return drop;
  }

  private answer(line: Line, kind: AnswerKind, packet: Uint8Array, now: Millis): void {
    if (line.uplink.send(packet, now) === "sent") this.stats.answers[kind]++;
    else this.stats.answersLost++;
  }

  private fromBackend(event: Extract<UdpEvent, { type: "udp-data" }>, now: Millis): void {
    const hop = this.stats.hops.backend;
    hop.received++;
    hop.receivedBytes += event.bytes.length;
    const drop = this.reply(event, now);
    if (drop !== undefined) hop.drop(drop);
  }

  private reply({ backend, bytes }: { backend: number; bytes: Uint8Array }, now: Millis): ReplyDrop | undefined {
    const flow = this.udp.flowOf(backend);
    const line = flow === undefined ? undefined : this.lines.of(flow.service);
    if (flow === undefined || line === undefined) return "reply-unknown-flow";
    this.report(flow.service, undefined, now);
    if (line.peer === undefined) return "reply-not-connected";
    if (bytes.length + UDP_OVERHEAD > line.uplink.maxDatagram) return "reply-too-large";
    line.uplink.send(encodeReply(flow, bytes), now);
    this.stats.hops.backend.forwarded++;
    this.stats.hops.backend.forwardedBytes += bytes.length;
    this.lines.settle(line, now);
    return undefined;
  }

  private backendFailed({ backend, reason }: Extract<UdpEvent, { type: "udp-failed" }>, now: Millis): void {
    const flow = this.udp.failed(backend);
    if (flow !== undefined) this.report(flow.service, reason, now);
  }

  /** What became of a service's backend; undefined: it answered. */
  private report(service: string, failure: BackendFailure | undefined, now: Millis): void {
    if (failure !== undefined) this.stats.backendFailures[failure]++;
    const notice = failure === undefined ? this.reports.answered(service) : this.reports.failed(service, failure, now);
    if (notice !== undefined) this.out.push(notice);
  }
}

/** Damaged, or a segment of a connection that is open. */
const WITHOUT_RESET: ReadonlySet<RequestDrop> = new Set<RequestDrop>([
  ...(["tcp-short", "tcp-bad-header-length", "tcp-bad-checksum", "tcp-memory"] as const),
]);
/** Datagrams at a time, where nobody says how many there is room for. */
const UNLIMITED = 1024;
