// The life of connections: accepted or dialled, fed, checked once, rotated, closed, forgotten.
import { Deadlines } from "../core/deadlines.ts";
import { earlier, type Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import type { ServerNames } from "../identity/server-name.ts";
import type { Layer, PeerEvent, PeerId } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Admission, Prefix } from "./admission.ts";
import { Connection } from "./connection.ts";
import { type ConnectionIds, tokenToBigint } from "./connection-id.ts";
import { DelayedAcks } from "./delayed-acks.ts";
import { ending } from "./ending.ts";
import { type NativeConfig, type NativeConnection, quiche } from "./native.ts";
import type { PacketBatch } from "./packet-batch.ts";
import { checkPing, followPath } from "./path-watch.ts";
import { checkPeer, closeCode, dialFailure, dialRefusal } from "./peer-check.ts";
import { discardStreams } from "./reading.ts";
import { Rotation } from "./rotation.ts";
import { Routes } from "./routes.ts";
import { abandonWaiting, takeWritable } from "./sending.ts";
import type { ClientAuth, Revocations } from "./settings.ts";
import type { EndpointStats } from "./stats.ts";
import { writePackets } from "./writing.ts";

export interface ConnectionsContext {
  readonly configs: { readonly server: NativeConfig | undefined; readonly client: NativeConfig | undefined };
  readonly server?: { readonly clientAuth: ClientAuth };
  readonly client?: { readonly verifyPeer: boolean };
  readonly ids: ConnectionIds;
  readonly admission: Admission | undefined;
  readonly events: Outbox<PeerEvent>;
  readonly stats: EndpointStats;
  readonly rotationMs: Millis;
  readonly revocations: () => Revocations | undefined;
  readonly wallNow: () => number;
}

export class Connections {
  readonly routes = new Routes();
  readonly #context: ConnectionsContext;
  readonly #byPeer = new Map<PeerId, Connection>();
  readonly #timers = new Deadlines<Connection>();
  readonly #acks = new DelayedAcks<Connection>();
  readonly #rotation: Rotation;
  #dirty: Connection[] = [];
  #spare: Connection[] = [];
  #config: { server: NativeConfig | undefined; client: NativeConfig | undefined };
  #nextPeer = 1;

  constructor(context: ConnectionsContext) {
    this.#context = context;
    this.#config = { ...context.configs };
    const { ids, stats, rotationMs } = context;
    this.#rotation = new Rotation({ ids, routes: this.routes, stats, everyMs: rotationMs });
  }

  /** Starts a handshake towards `to`. No server name is sent: quiche checks the chain, we check the name. */
  dial(to: SocketAddress, expected: ServerNames, now: Millis): Connection {
    const config = this.#config.client;
    if (config === undefined) throw new Error("this endpoint does not dial");
    const scid = this.#context.ids.mint();
    const native = quiche.Connection.connect(null, scid, to.local, to, config);
    const handshakeBy = now + HANDSHAKE_LIMIT_MS;
    const connection = new Connection({ peer: this.#nextPeer++, native, address: to, expected, handshakeBy });
    this.#adopt(connection, scid);
    this.routes.addDialled(connection);
    this.touch(connection);
    return connection;
  }

  /** Undefined when quiche refuses the addresses. */
  accept(
    offer: { readonly scid: Uint8Array; readonly original: Uint8Array | undefined; readonly prefix: Prefix },
    dcid: Uint8Array,
    from: SocketAddress,
    now: Millis,
  ): Connection | undefined {
    const { scid, original, prefix } = offer;
    const config = this.#config.server;
    if (config === undefined) return undefined;
    config.setStatelessResetToken(tokenToBigint(this.#context.ids.resetToken(scid)));
    let native: NativeConnection;
    try {
      native = quiche.Connection.accept(scid, original ?? null, from.local, from, config);
    } catch {
      return undefined;
    }
    const handshakeBy = now + HANDSHAKE_LIMIT_MS;
    const connection = new Connection({ peer: this.#nextPeer++, native, address: from, prefix, handshakeBy });
    this.#adopt(connection, scid);
    // After a Retry the client already uses our id; without one, its first flight may come in several packets.
    if (original === undefined) this.routes.addOriginal(dcid.slice(), connection);
    connection.handshake = { since: now, giveUp: () => this.#forget(connection) };
    this.#context.admission?.opened(prefix, connection.handshake);
    this.#timers.set(connection, handshakeBy);
    return connection;
  }

  /** False when quiche refused the packet: that costs the packet and nothing else. */
  feed(connection: Connection, packet: Uint8Array, from: SocketAddress, now: Millis): boolean {
    const { native } = connection;
    try {
      native.recv(packet, connection.infoFor(from));
    } catch {
      // A TLS alert has to leave.
      connection.unacknowledged++;
      this.touch(connection);
      return false;
    }
    if (connection.state === "handshaking" && native.isEstablished()) this.#established(connection, now);
    const isUrgent = this.#acks.received(connection, now);
    // Probes of a path and whatever belongs to a handshake are more than acknowledgements.
    if (connection.state !== "open" || from !== connection.address) this.touch(connection);
    else if (isUrgent) this.schedule(connection);
    if (from !== connection.address) followPath(connection, from, this.#context.events);
    if (connection.pingedAtReceived !== undefined) checkPing(connection, this.#context.events);
    if (connection.ids.length > 1) this.#rotation.collectRetired(connection, now);
    return true;
  }

  /** Anything may be due on a connection. */
  touch(connection: Connection): void {
    connection.hasControl = true;
    this.schedule(connection);
  }

  /** Puts a connection on the list of those that transmit has to visit: datagrams or acknowledgements are due. */
  schedule(connection: Connection): void {
    if (connection.dirty) return;
    connection.dirty = true;
    this.#dirty.push(connection);
  }

  ping(connection: Connection): void {
    if (connection.state !== "open") return;
    connection.native.sendAckEliciting();
    connection.pingedAtReceived = connection.native.stats().recv;
    this.touch(connection);
  }

  close(connection: Connection, layer: Layer, code: number, reason: string): void {
    if (connection.state === "closing" || connection.state === "gone") return;
    const wasOpen = connection.state === "open";
    this.#closeNative(connection, layer, code, reason);
    if (!wasOpen) return;
    this.#context.events.push({ type: "disconnected", peer: connection.peer, by: "us", layer, code, reason });
  }

  /** Visits what changed, until the batch is full; the rest stays on the list. */
  transmit(batch: PacketBatch, now: Millis): void {
    const visiting = this.#dirty;
    this.#dirty = this.#spare;
    let visited = 0;
    for (; visited < visiting.length; visited++) {
      const connection = visiting[visited]!;
      if (connection.state !== "gone") {
        if (connection.unacknowledged > 0) discardStreams(connection, this.#context.stats);
        if (!writePackets(connection, batch, now, this.#context.stats)) break;
        this.#settle(connection, now);
        connection.unacknowledged = 0;
      }
      connection.dirty = false;
    }
    for (; visited < visiting.length; visited++) this.#dirty.push(visiting[visited]!);
    visiting.length = 0;
    this.#spare = visiting;
  }

  handleTimeout(now: Millis): void {
    for (let connection = this.#timers.takeExpired(now); connection; connection = this.#timers.takeExpired(now)) {
      if (connection.state === "handshaking" && now >= connection.handshakeBy) {
        this.#forget(connection);
        continue;
      }
      connection.native.onTimeout();
      this.touch(connection);
    }
    for (let connection = this.#acks.takeDue(now); connection; connection = this.#acks.takeDue(now)) {
      this.schedule(connection);
    }
    for (let connection = this.#rotation.rotateNext(now); connection; connection = this.#rotation.rotateNext(now)) {
      this.touch(connection);
    }
  }

  deadline(): Millis | undefined {
    return earlier(earlier(this.#timers.next(), this.#acks.deadline()), this.#rotation.deadline());
  }

  get(peer: PeerId): Connection | undefined {
    return this.#byPeer.get(peer);
  }

  all(): Iterable<Connection> {
    return this.#byPeer.values();
  }

  get size(): number {
    return this.#byPeer.size;
  }

  /** Connections with something to transmit. */
  get dirty(): number {
    return this.#dirty.length;
  }

  reconfigure(server: NativeConfig | undefined, client: NativeConfig | undefined): void {
    this.#config = { server: server ?? this.#config.server, client: client ?? this.#config.client };
  }

  #adopt(connection: Connection, scid: Uint8Array): void {
    this.#byPeer.set(connection.peer, connection);
    this.routes.add(scid, connection);
    this.#context.stats.handshakesStarted++;
  }

  /** Decides, before anything is read, whether the role meets the peer. */
  #established(connection: Connection, now: Millis): void {
    const { stats, events } = this.#context;
    this.#settleHandshake(connection);
    const check = checkPeer(connection.native, connection.expected, this.#context);
    if ("refusal" in check) {
      stats.refuse(check.refusal);
      stats.handshakesFailed++;
      const detail = connection.expected && dialRefusal(check.refusal, connection.expected);
      this.#closeNative(connection, "transport", closeCode(check.refusal), check.refusal);
      if (detail !== undefined) events.push({ type: "dial-failed", peer: connection.peer, ...detail });
      return;
    }
    stats.handshakesCompleted++;
    connection.open(check.certificates);
    this.touch(connection);
    this.#rotation.schedule(connection, now);
    const { peer, address, maxDatagram } = connection;
    events.push({ type: "connected", peer, identity: check.identity, address, maxDatagram });
  }

  #closeNative(connection: Connection, layer: Layer, code: number, reason: string): void {
    connection.state = "closing";
    abandonWaiting(connection, this.#context.stats);
    try {
      connection.native.close(layer === "application", code, new TextEncoder().encode(reason));
    } catch {
      // Already closed by the other side.
    }
    this.touch(connection);
  }

  /** After writing: notices an end, arms the timer, tells a waiting role that there is room again. */
  #settle(connection: Connection, now: Millis): void {
    const { native } = connection;
    const timeout = native.timeout();
    if (timeout === null && native.isClosed()) return this.#forget(connection);
    // Only a packet can have ended a connection that was open.
    const mayHaveEnded = connection.state === "handshaking" || connection.unacknowledged > 0;
    if (mayHaveEnded && connection.state !== "closing" && native.isDraining()) this.#end(connection);
    this.#timers.set(connection, connection.nextDeadline(timeout, now));
    if (takeWritable(connection)) this.#context.events.push({ type: "writable", peer: connection.peer });
  }

  /** Tells the role, once, that the connection or the attempt is over. */
  #end(connection: Connection): void {
    const { state, native, peer } = connection;
    const { events, stats, wallNow } = this.#context;
    if (state === "handshaking") {
      stats.handshakesFailed++;
      this.#settleHandshake(connection);
      if (connection.expected !== undefined) {
        events.push({ type: "dial-failed", peer, ...dialFailure(native, wallNow()) });
      }
    }
    if (state === "open") events.push({ type: "disconnected", peer, ...ending(native) });
    connection.state = "closing";
    abandonWaiting(connection, stats);
  }

  #forget(connection: Connection): void {
    if (connection.state === "gone") return;
    this.#end(connection);
    this.#settleHandshake(connection);
    connection.state = "gone";
    this.#context.stats.connectionsGone++;
    this.#byPeer.delete(connection.peer);
    this.routes.remove(connection);
    this.#timers.clear(connection);
    this.#rotation.cancel(connection);
    if (connection.prefix !== undefined) this.#context.admission?.closed(connection.prefix);
  }

  #settleHandshake(connection: Connection): void {
    this.routes.forgetOriginal(connection);
    if (connection.handshake !== undefined) this.#context.admission?.settled(connection.handshake);
    connection.handshake = undefined;
  }
}

/** A handshake that takes longer is given up, on either side. */
const HANDSHAKE_LIMIT_MS = 10_000;
