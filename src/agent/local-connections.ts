// TCP connections of local programs. Each is for a port of a service, which its listener knows or SOCKS5 says; then it is
// opened inside the tunnel and joined with the program's. While the relay is away a connection waits a little for it.
import { earlier, type Millis } from "../core/machine.ts";
import { Splice } from "../tunnel/splice.ts";
import type { StreamEvent } from "../tunnel/stream.ts";
import type { TcpSession } from "../tunnel/tcp-session.ts";
import type { Ipv4 } from "../wire/address.ts";
import type { LocalEvent } from "./local.ts";
import { LocalConnection, type LocalTarget } from "./local-connection.ts";
import type { LocalListener, LocalService, LocalServices } from "./local-services.ts";
import { LocalTable, type LocalTableParts } from "./local-table.ts";
import { SocksHandshake, socksReply } from "./socks5.ts";
import type { SocksAssociations } from "./socks5-associations.ts";

export interface LocalConnectionsParts extends LocalTableParts {
  readonly address: Ipv4;
  readonly listeners: readonly LocalListener[];
  readonly services: LocalServices;
}

export class LocalConnections {
  private readonly parts: LocalConnectionsParts;
  private readonly table: LocalTable;

  constructor(parts: LocalConnectionsParts) {
    this.parts = parts;
    this.table = new LocalTable(parts);
  }

  get size(): number {
    return this.table.size;
  }

  get associations(): SocksAssociations {
    return this.table.associations;
  }

  accept({ listener, stream, host }: Extract<LocalEvent, { type: "local-accepted" }>, now: Millis): void {
    const leadsTo = this.parts.listeners[listener];
    const handshake = leadsTo?.type === "socks5" ? new SocksHandshake() : undefined;
    const connection = new LocalConnection(stream, listener, host, handshake);
    if (!this.table.add(connection, now)) return;
    if (leadsTo?.type !== "forward") this.table.expect(connection, now);
    else this.lead(connection, this.parts.services.get(leadsTo.service), leadsTo.port, now);
  }

  handle(event: StreamEvent, now: Millis): void {
    const connection = this.table.at(event.stream);
    if (connection === undefined) return;
    switch (event.type) {
      case "stream-data":
        this.data(connection, event.bytes, now);
        break;
      case "stream-taken":
        this.taken(connection, event.count, now);
        break;
      case "stream-writable":
        connection.splice?.writable();
        break;
      case "stream-ended":
        this.ended(connection, now);
        break;
      case "stream-broken":
        this.table.leave(connection, true);
        break;
      default:
    }
    this.table.touch(connection);
  }

  /** What the relay says about the service has changed. */
  serviceChanged(service: LocalService, now: Millis): void {
    if (service.state === "unavailable") return;
    for (const connection of this.table.waitingOnes()) {
      if (connection.target?.service !== service) continue;
      this.table.settle(connection);
      this.proceed(connection, connection.target, now);
    }
    if (service.state === "denied") this.abortAll(service, now);
  }

  /** Looks at every session that something happened to. */
  pump(now: Millis): void {
    for (const { stack } of this.parts.ways) {
      for (let session = stack.takeTouched(); session !== undefined; session = stack.takeTouched()) {
        this.look(session, now);
        const { splice } = session.owner;
        if (stack.isShort(session)) splice?.pause();
        else splice?.resume();
        stack.settle(session, splice?.writing !== true);
      }
    }
  }

  /** An error came back for what was to open it. */
  unreachable(session: TcpSession<LocalConnection>, reason: "refused" | "unreachable", now: Millis): void {
    const connection = session.owner;
    if (!connection.established && this.table.has(connection)) this.table.refuse(connection, reason, now);
  }

  /** The socket of an association is there. */
  associated(socket: number, host: Ipv4 | Uint8Array, port: number): void {
    const association = this.associations.at(socket);
    if (association === undefined) return;
    this.parts.stats.opened += 1;
    association.connection.established = true;
    this.table.write(association.connection, socksReply(0, host, port));
  }

  /** It could not be opened, or broke. */
  associationFailed(socket: number, now: Millis): void {
    const association = this.associations.at(socket);
    if (association === undefined) return;
    this.associations.close(association, false);
    this.table.refuse(association.connection, "no-socket", now);
  }

  deadline(): Millis | undefined {
    return earlier(this.table.deadline(), this.parts.ways.deadline());
  }

  timeout(now: Millis): void {
    this.table.timeout(now);
    for (const connection of this.table.pace.release(now)) this.again(connection, now);
    this.parts.ways.timeout(now);
  }

  closeAll(): void {
    this.table.closeAll();
  }

  private data(connection: LocalConnection, bytes: Uint8Array, now: Millis): void {
    const { splice, handshake, target } = connection;
    if (splice !== undefined) splice.data(bytes, now);
    else if (handshake !== undefined) this.talk(connection, handshake, bytes, now);
    else if (target !== undefined) this.keep(connection, bytes, now);
    // What a client says on the connection of its association means nothing.
  }

  private talk(connection: LocalConnection, handshake: SocksHandshake, bytes: Uint8Array, now: Millis): void {
    const progress = handshake.receive(bytes);
    if (progress.answer.length > 0) this.table.write(connection, progress.answer);
    if (progress.type === "refused") this.table.refuse(connection, progress.fault, now, progress.answer.length > 0);
    if (progress.type !== "request") return;
    this.table.settle(connection);
    connection.handshake = undefined;
    const { target, command, rest } = progress;
    if (command === "udp-associate") {
      if (this.associations.isFull) this.table.refuse(connection, "connection-limit", now);
      else this.associations.open(connection, target.port);
      return;
    }
    if (rest.length > 0) connection.early = rest.slice();
    if (target.type === "ipv6") this.table.refuse(connection, "unknown-address-type", now);
    else this.lead(connection, this.parts.services.find(target), target.port, now);
  }

  private lead(connection: LocalConnection, service: LocalService | undefined, port: number, now: Millis): void {
    if (service === undefined || port === 0) return this.table.refuse(connection, "unknown-target", now);
    connection.target = { service, port };
    this.proceed(connection, connection.target, now);
  }

  private proceed(connection: LocalConnection, target: LocalTarget, now: Millis): void {
    const { state } = target.service;
    if (state === "denied") this.table.refuse(connection, "service-denied", now);
    else if (state === "unavailable") this.table.wait(connection, now);
    else if (this.table.pace.isSlow) this.table.pace.wait(connection, now);
    else this.open(connection, target, now);
  }

  /** Its turn has come. */
  private again(connection: LocalConnection, now: Millis): void {
    const { target } = connection;
    if (target?.service.state === "registered") this.open(connection, target, now);
    else if (target !== undefined) this.proceed(connection, target, now);
  }

  private open(connection: LocalConnection, { service, port }: LocalTarget, now: Millis): void {
    connection.inHurry = this.table.pace.opened(now);
    connection.session = this.parts.ways.connect(service, port, connection, now);
    if (connection.session === undefined) this.table.refuse(connection, "ports-exhausted", now);
  }

  /** Until there is a connection to give it to. What was under way when reading was paused may still come. */
  private keep(connection: LocalConnection, bytes: Uint8Array, now: Millis): void {
    const { early } = connection;
    const both = new Uint8Array((early?.length ?? 0) + bytes.length);
    if (early !== undefined) both.set(early);
    both.set(bytes, both.length - bytes.length);
    if (both.length > MAX_EARLY_BYTES) return this.table.refuse(connection, "connection-limit", now);
    connection.early = both;
    this.parts.out.push({ type: "stream-pause", stream: connection.stream });
  }

  /** "taken" answers writes in their order. */
  private taken(connection: LocalConnection, count: number, now: Millis): void {
    const own = connection.ownWrites.shift();
    if (own === undefined) connection.splice?.taken(count);
    // An answer of a few bytes that did not fit: the program has not read since it connected.
    else if (count < own) this.table.refuse(connection, "abandoned", now);
  }

  private ended(connection: LocalConnection, now: Millis): void {
    if (connection.splice !== undefined) connection.splice.ended(now);
    else if (connection.target !== undefined) connection.endedEarly = true;
    else this.table.leave(connection, false);
  }

  private look(session: TcpSession<LocalConnection>, now: Millis): void {
    const connection = session.owner;
    if (connection.session !== session) return; // of an earlier attempt
    if (!connection.established && this.table.has(connection)) this.attend(connection, session, now);
    const { splice } = connection;
    if (splice?.done === false) splice.pump(now);
    if (splice?.done === true) this.table.forget(connection);
  }

  /** Whether there is a connection now, or will never be one. */
  private attend(connection: LocalConnection, session: TcpSession<LocalConnection>, now: Millis): void {
    for (let event = session.connection.poll(); event !== undefined; event = session.connection.poll()) {
      if (event === "established") return this.join(connection, session, now);
      if (event === "timed-out") return this.table.refuse(connection, "timed-out", now);
      if (event !== "reset") continue;
      if (!connection.inHurry) return this.table.refuse(connection, "refused", now);
      connection.session = undefined;
      this.table.pace.wait(connection, now);
      return;
    }
  }

  private join(connection: LocalConnection, session: TcpSession<LocalConnection>, now: Millis): void {
    const { stats, out, address } = this.parts;
    const { stream, early } = connection;
    const splice = new Splice(session.connection, stream, out, true);
    connection.splice = splice;
    connection.established = true;
    connection.early = undefined;
    stats.opened += 1;
    if (connection.socks) this.table.write(connection, socksReply(0, address, session.flow.sourcePort));
    if (!connection.endedEarly) out.push({ type: "stream-resume", stream });
    if (early !== undefined) splice.data(early, now);
    if (connection.endedEarly) splice.ended(now);
  }

  /** Its packets would lead nowhere from now on. */
  private abortAll(service: LocalService, now: Millis): void {
    for (const { owner } of this.parts.ways.of(service)?.stack.all() ?? []) {
      if (!this.table.has(owner)) continue;
      if (owner.established) this.table.close(owner, true);
      else this.table.refuse(owner, "service-denied", now);
    }
  }
}

/** Two reads of a socket. */
const MAX_EARLY_BYTES = 128 * 1024;
