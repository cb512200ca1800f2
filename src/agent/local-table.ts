// Connections of local programs: how many there may be, how long they may wait, and how each of them ends.
import { Deadlines } from "../core/deadlines.ts";
import { earlier, type Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { StreamId } from "../tunnel/stream.ts";
import type { ListenerId, LocalCommand, LocalSocketId } from "./local.ts";
import type { LocalConnection } from "./local-connection.ts";
import { LocalReports } from "./local-reports.ts";
import type { LocalRefusal, LocalStats } from "./local-stats.ts";
import type { LocalWays } from "./local-ways.ts";
import { OpeningPace } from "./opening-pace.ts";
import { socksReply } from "./socks5.ts";
import { SocksAssociations } from "./socks5-associations.ts";
import { REPLY_CODES } from "./socks5-replies.ts";

export interface LocalConnectionLimits {
  readonly connections: number;
  readonly connectionsPerListener: number;
  /** SOCKS5 clients that have not said what they want. */
  readonly handshakes: number;
  readonly handshakeMs: Millis;
  /** How long a connection waits for a relay that is away. */
  readonly waitMs: Millis;
}

export const DEFAULT_LOCAL_CONNECTION_LIMITS: LocalConnectionLimits = {
  connections: 1024,
  connectionsPerListener: 512,
  handshakes: 64,
  handshakeMs: 10_000,
  waitMs: 3000,
};

export interface LocalTableParts {
  readonly ways: LocalWays<LocalConnection>;
  readonly limits: LocalConnectionLimits;
  readonly stats: LocalStats;
  readonly out: Pick<Outbox<LocalCommand | Notice>, "push">;
  /** Told of each UDP socket of an association that nobody uses any more. */
  readonly ended: (socket: LocalSocketId) => void;
}

export class LocalTable {
  readonly associations: SocksAssociations;
  private readonly parts: LocalTableParts;
  private readonly reports = new LocalReports();
  private readonly byStream = new Map<StreamId, LocalConnection>();
  private readonly perListener = new Map<ListenerId, number>();
  /** SOCKS5 clients that have not said what they want, in the order in which they came. */
  private readonly talking = new Set<LocalConnection>();
  /** Connections that wait for the relay. */
  private readonly waiting = new Set<LocalConnection>();
  /** And those that wait their turn. */
  readonly pace = new OpeningPace<LocalConnection>();
  private readonly deadlines = new Deadlines<LocalConnection>();

  constructor(parts: LocalTableParts) {
    this.parts = parts;
    this.associations = new SocksAssociations(parts.out, parts.ended);
  }

  get size(): number {
    return this.byStream.size;
  }

  at(stream: StreamId): LocalConnection | undefined {
    return this.byStream.get(stream);
  }

  has(connection: LocalConnection): boolean {
    return this.byStream.get(connection.stream) === connection;
  }

  /** False: it was refused, because there are too many. */
  add(connection: LocalConnection, now: Millis): boolean {
    const { limits, stats } = this.parts;
    const { stream, listener } = connection;
    const before = this.perListener.get(listener) ?? 0;
    stats.accepted += 1;
    this.byStream.set(stream, connection);
    this.perListener.set(listener, before + 1);
    const fits = this.byStream.size <= limits.connections && before < limits.connectionsPerListener;
    if (!fits) this.refuse(connection, "connection-limit", now);
    return fits;
  }

  /** A SOCKS5 client has so much time to say what it wants. The one that has had most makes room. */
  expect(connection: LocalConnection, now: Millis): void {
    const { limits, out } = this.parts;
    this.talking.add(connection);
    this.deadlines.set(connection, now + limits.handshakeMs);
    out.push({ type: "stream-resume", stream: connection.stream });
    const [oldest] = this.talking;
    if (this.talking.size > limits.handshakes && oldest !== undefined) this.refuse(oldest, "handshake-limit", now);
  }

  /** The relay has so much time to come back. */
  wait(connection: LocalConnection, now: Millis): void {
    this.waiting.add(connection);
    this.deadlines.set(connection, now + this.parts.limits.waitMs);
  }

  /** It waits for nothing any more. */
  settle(connection: LocalConnection): void {
    this.talking.delete(connection);
    this.waiting.delete(connection);
    this.pace.forget(connection);
    this.deadlines.clear(connection);
  }

  /** Those that wait for the relay. They may be settled meanwhile. */
  waitingOnes(): readonly LocalConnection[] {
    return [...this.waiting];
  }

  deadline(): Millis | undefined {
    return earlier(this.deadlines.next(), this.pace.deadline());
  }

  timeout(now: Millis): void {
    for (let due = this.deadlines.takeExpired(now); due !== undefined; due = this.deadlines.takeExpired(now)) {
      this.refuse(due, due.handshake === undefined ? "relay-unavailable" : "handshake-timeout", now);
    }
  }

  write(connection: LocalConnection, bytes: Uint8Array): void {
    connection.ownWrites.push(bytes.length);
    this.parts.out.push({ type: "stream-write", stream: connection.stream, bytes });
  }

  /** It leads nowhere. `answered`: a SOCKS5 client has been told already. */
  refuse(connection: LocalConnection, reason: LocalRefusal, now: Millis, answered = false): void {
    const { stats, out } = this.parts;
    const { socks, handshake, target, established } = connection;
    stats.refuse(reason);
    const detail = reason === "service-denied" ? target?.service.reason : undefined;
    const notice = this.reports.refused(target?.service.id, reason, detail, now);
    if (notice !== undefined) out.push(notice);
    const code = socks && handshake === undefined && !established ? REPLY_CODES[reason] : undefined;
    if (code !== undefined) this.write(connection, socksReply(code));
    this.close(connection, code === undefined && !answered);
  }

  /** The program has gone. */
  leave(connection: LocalConnection, streamIsDead: boolean): void {
    if (!connection.established) this.parts.stats.refuse("abandoned");
    if (!streamIsDead) return this.close(connection, false);
    this.abort(connection);
    this.forget(connection);
  }

  close(connection: LocalConnection, reset: boolean): void {
    this.abort(connection);
    this.parts.out.push({ type: "stream-close", stream: connection.stream, reset });
    this.forget(connection);
  }

  closeAll(): void {
    for (const connection of [...this.byStream.values()]) this.close(connection, true);
  }

  /** The stream's id is dead. */
  forget(connection: LocalConnection): void {
    const { stream, listener } = connection;
    if (!this.byStream.delete(stream)) return;
    this.perListener.set(listener, (this.perListener.get(listener) ?? 1) - 1);
    this.settle(connection);
    const association = this.associations.of(connection);
    if (association !== undefined) this.associations.close(association, true);
  }

  private abort(connection: LocalConnection): void {
    if (connection.splice !== undefined) connection.splice.done = true;
    connection.session?.connection.abort();
    this.touch(connection);
  }

  /** Something happened to its session. */
  touch({ session, target }: LocalConnection): void {
    if (session !== undefined && target !== undefined) this.parts.ways.of(target.service)?.stack.touch(session);
  }
}
