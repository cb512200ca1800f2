// TCP of agents: each connection ends here, in user space, and goes on as one of the kernel to the backend. The backend
// is dialled when the SYN comes and the SYN is answered by what comes of it, so that an agent sees a refusal as one.
import type { Millis } from "../core/machine.ts";
import type { KeyedHash } from "../tcp/isn.ts";
import type { PeerId } from "../tunnel/peer.ts";
import { Splice } from "../tunnel/splice.ts";
import type { StreamCommand, StreamEvent, StreamId } from "../tunnel/stream.ts";
import type { TcpSession } from "../tunnel/tcp-session.ts";
import { type TcpShared, tcpShared } from "../tunnel/tcp-shared.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Destination, ipv4Source, ipv4TotalLength } from "../wire/ipv4.ts";
import { checkTcp, TCP_ACK, TCP_RST, TCP_SYN, tcpDestinationPort, tcpFlags, tcpPayloadStart } from "../wire/tcp.ts";
import type { BackendFailure } from "./backend.ts";
import type { Services } from "./services.ts";
import type { ConnectorStats, RequestDrop } from "./stats.ts";
import { SynRate } from "./syn-rate.ts";
import { type TcpLine, TcpLines } from "./tcp-lines.ts";

export interface TcpLimits {
  /** Connections to backends, in all and of one agent address. */
  readonly sessions: number;
  readonly sessionsPerAgent: number;
  /** Of one agent address. */
  readonly synsPerSecond: number;
  /** A backend that has not answered by then is as good as gone. */
  readonly dialMs: Millis;
  /** Silence after which an agent is asked whether it is still there. */
  readonly keepaliveMs: Millis;
  /** A connection of which one direction is over ends when nothing goes the other way for so long. */
  readonly halfClosedMs: Millis;
  /** What connections may hold for slow readers, in all. */
  readonly memoryBytes: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  sessions: 4096,
  sessionsPerAgent: 256,
  synsPerSecond: 10,
  dialMs: 5000,
  keepaliveMs: 600_000,
  halfClosedMs: 300_000,
  memoryBytes: 256 * 1024 * 1024,
};

export interface TcpProxyParts {
  readonly services: Services;
  readonly limits: TcpLimits;
  readonly hash: KeyedHash;
  readonly room: (peer: PeerId) => number;
  readonly stats: ConnectorStats;
  readonly out: { push(command: StreamCommand): void };
  /** What became of dialling a backend of the service; undefined: it answered. */
  readonly report: (service: string, failure: BackendFailure | undefined, now: Millis) => void;
}

interface Flow {
  readonly line: TcpLine<Flow>;
  readonly agent: Ipv4;
  readonly stream: StreamId;
  /** There from the moment that the session is. */
  splice: Splice | undefined;
  dialling: boolean;
  /** `splice.moved` when something last moved while one direction was over. */
  movedBefore: number;
}

export class TcpProxy {
  readonly lines: TcpLines<Flow>;
  readonly shared: TcpShared;
  private readonly parts: TcpProxyParts;
  private readonly syns: SynRate;
  private readonly byStream = new Map<StreamId, TcpSession<Flow>>();
  private readonly ofAgent = new Map<Ipv4, number>();
  private streams = 0;

  constructor(parts: TcpProxyParts) {
    this.parts = parts;
    const { limits, hash, room } = parts;
    const keepalive = { idleMs: limits.keepaliveMs, intervalMs: KEEPALIVE_INTERVAL_MS, probes: KEEPALIVE_PROBES };
    this.shared = tcpShared(hash, { keepalive }, limits.memoryBytes);
    this.syns = new SynRate(limits.synsPerSecond);
    this.lines = new TcpLines<Flow>({
      shared: this.shared,
      room,
      step: (session, _line, now) => this.step(session, now),
    });
    for (const service of parts.services.ids) this.lines.add(service);
  }

  /** Connections with a backend, or on their way to one. */
  get sessionCount(): number {
    return this.byStream.size;
  }

  get agentCount(): number {
    return this.ofAgent.size;
  }

  /** `packet` is a checked IPv4 packet with protocol TCP. Undefined: taken. */
  forward(service: string, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    const fault = checkTcp(packet);
    if (fault !== undefined) return `tcp-${fault}`;
    const line = this.lines.of(service);
    if (line === undefined) return "foreign-address";
    const session = line.stack.find(packet);
    if (session === undefined) return this.meet(line, packet, now);
    this.lines.list(line);
    if (!line.stack.receive(session, packet, now)) return "tcp-memory";
    const { agent } = this.parts.stats.hops;
    agent.forwarded++;
    agent.forwardedBytes += ipv4TotalLength(packet) - tcpPayloadStart(packet);
    return undefined;
  }

  handle(event: StreamEvent, now: Millis): void {
    const session = this.byStream.get(event.stream);
    const splice = session?.owner.splice;
    if (session === undefined || splice === undefined) return;
    switch (event.type) {
      case "stream-opened":
        this.opened(session, now);
        break;
      case "stream-failed":
        this.failed(session, event.reason, now);
        break;
      case "stream-data":
        this.fromBackend(splice, event.bytes, now);
        break;
      case "stream-taken":
        splice.taken(event.count);
        break;
      case "stream-writable":
        splice.writable();
        break;
      case "stream-ended":
        splice.ended(now);
        break;
      case "stream-broken":
        this.parts.stats.tcpErrors++;
        splice.broken();
        break;
    }
    // What was written decides about the window: the segment that tells it may leave in the same turn.
    if (event.type === "stream-taken") this.step(session, now);
    else session.owner.line.stack.touch(session);
    this.lines.list(session.owner.line);
  }

  /** Ends everything at once, without a word to the agents: the relay connections are closing. */
  closeAll(): void {
    for (const { owner } of this.byStream.values()) owner.splice?.abort();
    this.byStream.clear();
    this.ofAgent.clear();
    this.lines.close();
  }

  /** A segment of no connection. */
  private meet(line: TcpLine<Flow>, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    const { services, limits, stats, out } = this.parts;
    const address = ipv4Destination(packet);
    const target = services.backendFor(line.service, address, "tcp", tcpDestinationPort(packet));
    if (typeof target === "string") return target;
    if ((tcpFlags(packet) & (TCP_SYN | TCP_ACK | TCP_RST)) !== TCP_SYN) return "tcp-unknown-connection";
    const agent = ipv4Source(packet);
    if (!this.syns.allow(agent, now)) return "syn-rate";
    if (this.byStream.size >= limits.sessions) return "session-limit";
    const ofAgent = this.ofAgent.get(agent) ?? 0;
    if (ofAgent >= limits.sessionsPerAgent) return "session-limit-of-agent";
    this.ofAgent.set(agent, ofAgent + 1);
    const stream = ++this.streams;
    const flow: Flow = { line, agent, stream, splice: undefined, dialling: true, movedBefore: 0 };
    const session = line.stack.hold(packet, flow, now);
    flow.splice = new Splice(session.connection, stream, out, false);
    session.wakeAt = now + limits.dialMs;
    this.byStream.set(stream, session);
    this.lines.list(line);
    stats.tcpSessions++;
    stats.hops.agent.forwarded++;
    out.push({ type: "stream-open", stream, host: target.host, port: target.port });
    return undefined;
  }

  private opened(session: TcpSession<Flow>, now: Millis): void {
    const { owner } = session;
    owner.dialling = false;
    session.wakeAt = undefined;
    session.connection.accept();
    owner.splice?.opened();
    this.parts.report(owner.line.service, undefined, now);
  }

  private failed(session: TcpSession<Flow>, reason: BackendFailure, now: Millis): void {
    const { stats, report } = this.parts;
    session.owner.dialling = false;
    session.owner.splice?.broken();
    stats.tcpErrors++;
    report(session.owner.line.service, reason, now);
  }

  private fromBackend(splice: Splice, bytes: Uint8Array, now: Millis): void {
    const { backend } = this.parts.stats.hops;
    backend.received++;
    backend.receivedBytes += bytes.length;
    backend.forwarded++;
    backend.forwardedBytes += bytes.length;
    splice.data(bytes, now);
  }

  /** After anything happened to a session, or its time has come. */
  private step(session: TcpSession<Flow>, now: Millis): void {
    const { owner, wakeAt } = session;
    const { line, splice } = owner;
    if (splice === undefined) return;
    splice.pump(now);
    if (owner.dialling && wakeAt !== undefined && now >= wakeAt) this.unanswered(session, splice, now);
    else if (!owner.dialling) this.watchHalfClosed(session, splice, now);
    if (line.stack.isShort(session)) splice.pause();
    else splice.resume();
    if (splice.done && session.isOver) this.release(session);
    line.stack.settle(session, !splice.writing);
  }

  /** The backend does not answer. */
  private unanswered(session: TcpSession<Flow>, splice: Splice, now: Millis): void {
    session.owner.dialling = false;
    session.wakeAt = undefined;
    splice.abort();
    this.parts.report(session.owner.line.service, "timeout", now);
  }

  /** As long as something moves the other way, it may take its time. */
  private watchHalfClosed(session: TcpSession<Flow>, splice: Splice, now: Millis): void {
    const { owner, wakeAt } = session;
    if (splice.done || !(splice.isHalfClosed || session.isOver)) {
      session.wakeAt = undefined;
    } else if (wakeAt === undefined || splice.moved !== owner.movedBefore) {
      owner.movedBefore = splice.moved;
      session.wakeAt = now + this.parts.limits.halfClosedMs;
    } else if (now >= wakeAt) {
      this.parts.stats.tcpIdled++;
      splice.abort();
    }
  }

  private release(session: TcpSession<Flow>): void {
    const { agent, stream } = session.owner;
    session.released = true;
    if (!this.byStream.delete(stream)) return;
    const left = (this.ofAgent.get(agent) ?? 1) - 1;
    if (left > 0) this.ofAgent.set(agent, left);
    else this.ofAgent.delete(agent);
  }
}

/** Of an agent that was silent for long, and how many of them it may leave unanswered. */
const KEEPALIVE_INTERVAL_MS = 30_000;
const KEEPALIVE_PROBES = 3;
