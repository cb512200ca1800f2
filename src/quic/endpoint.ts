// quiche without sockets: packets in, peer events and packets out. Nothing here walks over all connections on a
// wake-up; what changed is on the dirty list, what is due is on top of a heap.
import type { Millis } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import type { ServerNames } from "../identity/server-name.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import type { Connection } from "./connection.ts";
import { ConnectionIds, isLongHeader, parseLongHeader } from "./connection-id.ts";
import { Connections } from "./connections.ts";
import { Doorman, type DoormanOptions } from "./doorman.ts";
import type { PacketBatch } from "./packet-batch.ts";
import { closeCode, isRevoked } from "./peer-check.ts";
import { readDatagram } from "./reading.ts";
import { sendDatagram, waitingRoom } from "./sending.ts";
import {
  type ClientSettings,
  clientConfig,
  DATAGRAMS_PER_TURN,
  type Revocations,
  type ServerSettings,
  serverConfig,
} from "./settings.ts";
import { StatelessResets } from "./stateless-reset.ts";
import { EndpointStats, type PacketDrop } from "./stats.ts";

export interface EndpointOptions {
  /** Present when it accepts connections. */
  readonly server?: ServerSettings & DoormanOptions & { readonly admission: AdmissionLimits };
  /** Present when it dials. */
  readonly client?: ClientSettings;
  /** Keys the tags of our connection ids; the same secret after a restart lets old peers be reset. */
  readonly secret: Uint8Array;
  /** How often each connection is given a new id. */
  readonly rotationMs: Millis;
  readonly random: (bytes: Uint8Array) => void;
  /** Milliseconds since 1970, for the dates of certificates. */
  readonly wallNow: () => number;
}

export class Endpoint {
  readonly stats = new EndpointStats();
  readonly #connections: Connections;
  readonly #doorman: Doorman | undefined;
  readonly #admission: Admission | undefined;
  readonly #resets: StatelessResets;
  /** Connections that may be asked whether a packet resets them: whoever forges a server's address can send such. */
  readonly #resetOffers: TokenBucket;
  readonly #events = new Outbox<PeerEvent>();
  /** Stateless answers that wait for the next transmit. */
  readonly #answers = new Outbox<{ readonly packet: Uint8Array; readonly to: SocketAddress }>();
  readonly #readable = new Outbox<Connection>();
  #reading: Connection | undefined;
  /** Used again for every datagram. */
  readonly #datagram = { type: "datagram" as const, peer: 0, bytes: new Uint8Array(0) as Uint8Array };
  #draining: string | undefined;
  #revocations: Revocations | undefined;
  /** When something was last received, transmitted or timed out: what a role sends is sent then. */
  #now: Millis;

  constructor(options: EndpointOptions, now: Millis) {
    this.#now = now;
    const { server, client, random } = options;
    const ids = new ConnectionIds(options.secret, random);
    this.#resets = new StatelessResets(ids, random, now);
    this.#resetOffers = new TokenBucket({ perSecond: RESET_OFFERS_PER_SECOND, burst: RESET_OFFERS_PER_SECOND }, now);
    this.#admission = server && new Admission(server.admission);
    const configs = { server: server && serverConfig(server), client: client && clientConfig(client) };
    this.#revocations = server?.revocations;
    const revocations = () => this.#revocations;
    const own = { stats: this.stats, events: this.#events, admission: this.#admission, revocations };
    this.#connections = new Connections({ ...options, ids, configs, ...own });
    if (server !== undefined && this.#admission !== undefined) {
      this.#doorman = new Doorman(server, { ids, admission: this.#admission, stats: this.stats, random }, now);
    }
  }

  /** Starts a handshake. quiche checks the chain, we check the name, before `connected`. */
  connect(to: SocketAddress, expected: ServerNames, now: Millis): PeerId {
    return this.#connections.dial(to, expected, now).peer;
  }

  /** One UDP payload. Decrypts in place. Never throws because of what it holds. */
  receive(packet: Uint8Array, from: SocketAddress, now: Millis): void {
    this.#now = now;
    this.stats.receivedPackets++;
    this.stats.receivedBytes += packet.length;
    if (packet.length === 0) return this.stats.drop("empty");
    const connection = isLongHeader(packet) ? this.#routeLong(packet, from, now) : this.#routeShort(packet, from, now);
    if (connection === undefined) return;
    if (!this.#connections.feed(connection, packet, from, now)) return this.stats.drop("rejected-by-quic");
    this.stats.acceptedPackets++;
    this.#toRead(connection);
  }

  /** The next event. A datagram and its bytes are valid until the next call. */
  poll(): PeerEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined) return event;
    for (;;) {
      this.#reading ??= this.#readable.shift();
      const connection = this.#reading;
      if (connection === undefined) return undefined;
      const bytes = readDatagram(connection, this.stats);
      if (bytes !== undefined) {
        this.#datagram.peer = connection.peer;
        this.#datagram.bytes = bytes;
        return this.#datagram;
      }
      connection.readable = false;
      this.#reading = undefined;
    }
  }

  /** Carries out what a role decided. A datagram that cannot be queued is dropped and counted. */
  perform(command: PeerCommand): void {
    const connection = this.#connections.get(command.peer);
    if (command.type === "send") return this.#send(connection, command.bytes);
    if (connection === undefined) return;
    if (command.type === "ping") return this.#connections.ping(connection);
    this.#connections.close(connection, command.layer, command.code, command.reason);
  }

  /** Writes what is due for every connection that changed. Stops when the batch is full; see `pending`. */
  transmit(batch: PacketBatch, now: Millis): void {
    this.#now = now;
    while (!batch.full) {
      const answer = this.#answers.shift();
      if (answer === undefined) break;
      batch.next().set(answer.packet);
      this.#sent(answer.packet.length);
      batch.commit(answer.packet.length, answer.to);
    }
    this.#connections.transmit(batch, now);
  }

  /** Something waits to be transmitted. */
  get pending(): boolean {
    return this.#answers.length > 0 || this.#connections.dirty > 0;
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#connections.handleTimeout(now);
  }

  deadline(): Millis | undefined {
    return this.#connections.deadline();
  }

  /**
   * Datagrams that would leave within this turn; after 0, `writable` follows. For senders that can wait: what is
   * asked for only then delays nothing, and overtakes what has become useless.
   */
  window(peer: PeerId): number {
    const connection = this.#connections.get(peer);
    if (connection === undefined || connection.state !== "open") return 0;
    const window = connection.congested ? 0 : Math.max(0, DATAGRAMS_PER_TURN - connection.offered);
    if (window === 0) connection.held = true;
    return window;
  }

  /**
   * Datagrams that the peer's queue would still take; after 0, `writable` follows. For senders that cannot wait, and
   * would rather have a datagram late than not at all.
   */
  room(peer: PeerId): number {
    const connection = this.#connections.get(peer);
    if (connection === undefined || connection.state !== "open") return 0;
    const room = waitingRoom(connection, this.stats);
    if (room === 0) connection.full = true;
    return room;
  }

  /** DER, leaf first, as the peer sent it, whether or not it was verified; none of one that showed or is none. */
  certificatesOf(peer: PeerId): readonly Uint8Array[] {
    return this.#connections.get(peer)?.native.peerCertChain() ?? [];
  }

  /** Refuses new connections and closes the others with application code 0. */
  drain(reason: string): void {
    this.#draining = reason;
    for (const connection of this.#connections.all()) this.#connections.close(connection, "application", 0, reason);
  }

  /**
   * New credentials, checked by the caller, and limits for connections accepted or dialled from now on. Clients whose
   * certificate has been revoked are closed at once.
   */
  reload(settings: {
    readonly server?: ServerSettings;
    readonly client?: ClientSettings;
    readonly admission?: AdmissionLimits;
  }): void {
    this.#connections.reconfigure(
      settings.server && serverConfig(settings.server),
      settings.client && clientConfig(settings.client),
    );
    if (settings.admission !== undefined) this.#admission?.reload(settings.admission);
    if (settings.server !== undefined) this.#revoke(settings.server.revocations);
    this.stats.reloads++;
  }

  /** After drain: every close has been written. */
  get drained(): boolean {
    return this.#draining !== undefined && !this.pending;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get halfOpen(): number {
    return this.#admission?.halfOpen ?? 0;
  }

  #revoke(revocations: Revocations | undefined): void {
    this.#revocations = revocations;
    if (revocations === undefined) return;
    for (const connection of this.#connections.all()) {
      if (!isRevoked(connection.certificates, revocations)) continue;
      this.#connections.close(connection, "transport", closeCode("revoked"), "revoked");
    }
  }

  #send(connection: Connection | undefined, bytes: Uint8Array): void {
    if (connection !== undefined) {
      if (sendDatagram(connection, bytes, this.#now, this.stats)) this.#connections.schedule(connection);
      return;
    }
    this.stats.datagramsTaken++;
    this.stats.datagramsDropped["not-connected"]++;
  }

  #routeShort(packet: Uint8Array, from: SocketAddress, now: Millis): Connection | undefined {
    const connection = this.#connections.routes.find(packet, 1);
    if (connection !== undefined) return connection;
    const { routes } = this.#connections;
    const dialled = routes.dialledTo(from);
    if (dialled !== undefined) return this.#offerReset(dialled, packet, from, now);
    if (routes.isRetired(packet, 1)) return this.#drop("retired-id");
    const reset = this.#doorman === undefined ? undefined : this.#resets.answer(packet, now);
    if (reset === undefined) return this.#drop("unknown-connection");
    return this.#answer(reset, from, "reset-sent");
  }

  #routeLong(packet: Uint8Array, from: SocketAddress, now: Millis): Connection | undefined {
    const header = parseLongHeader(packet);
    if (header === undefined) return this.#drop("malformed-header");
    const { routes } = this.#connections;
    const known = routes.find(header.dcid, 0) ?? routes.findOriginal(header.dcid);
    if (known !== undefined) return known;
    if (this.#doorman === undefined) return this.#drop("not-a-server");
    if (this.#draining !== undefined) return this.#drop("draining");
    const verdict = this.#doorman.judge(packet, header, from, now);
    if (verdict.type === "drop") return this.#drop(verdict.reason);
    if (verdict.type === "answer") return this.#answer(verdict.packet.slice(), from, verdict.reason);
    const accepted = this.#connections.accept(verdict, header.dcid, from, now);
    return accepted ?? this.#drop("accept-failed");
  }

  /** From a server of ours, under an id that is not ours: each connection to it looks for its reset token. */
  #offerReset(dialled: ReadonlySet<Connection>, packet: Uint8Array, from: SocketAddress, now: Millis): undefined {
    if (!this.#resetOffers.allow(now, dialled.size)) return this.#drop("unknown-connection");
    let taken = false;
    // quiche decrypts in place, so each gets a copy. A reset removes the connection only after this turn.
    for (const connection of dialled) taken = this.#connections.feed(connection, packet.slice(), from, now) || taken;
    if (taken) this.stats.acceptedPackets++;
    else this.stats.drop("rejected-by-quic");
    return undefined;
  }

  #toRead(connection: Connection): void {
    if (connection.state !== "open" || connection.readable) return;
    connection.readable = true;
    this.#readable.push(connection);
  }

  #answer(packet: Uint8Array, to: SocketAddress, reason: PacketDrop): undefined {
    if (this.#answers.length < MAX_WAITING_ANSWERS) this.#answers.push({ packet, to });
    return this.#drop(reason);
  }

  #drop(reason: PacketDrop): undefined {
    this.stats.drop(reason);
    return undefined;
  }

  #sent(bytes: number): void {
    this.stats.sentPackets++;
    this.stats.sentBytes += bytes;
  }
}

const MAX_WAITING_ANSWERS = 4096;
/** Some 2 % of a processor; a reset that is missed for it is made good by the roles' pings. */
const RESET_OFFERS_PER_SECOND = 5000;
