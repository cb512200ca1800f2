// Which connection a packet belongs to, by its destination id, without a native call or a string for packets of
// established connections.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Connection } from "./connection.ts";
import { CONNECTION_ID_BYTES, idKey, sameId } from "./connection-id.ts";

interface Route {
  readonly id: Uint8Array;
  readonly connection: Connection;
}

export class Routes {
  readonly #byId = new Map<number, Route>();
  /** Clients' own first destination ids: theirs to choose, so kept as text and only while a handshake lasts. */
  readonly #byOriginal = new Map<string, Connection>();
  /** Connections that we dialled, by the server's address: a stateless reset carries no id of ours. */
  readonly #dialled = new Map<string, Set<Connection>>();
  /** Ids that a peer gave back lately: its reordered packets are dropped without a reset. */
  readonly #retired = new ExpiringMap<number, true>({ limit: RETIRED_LIMIT, idleMs: RETIRED_MS });

  /** The connection that our id at `offset` names. */
  find(packet: Uint8Array, offset: number): Connection | undefined {
    if (packet.length < offset + CONNECTION_ID_BYTES) return undefined;
    const route = this.#byId.get(idKey(packet, offset));
    return route !== undefined && sameId(packet, offset, route.id) ? route.connection : undefined;
  }

  findOriginal(id: Uint8Array): Connection | undefined {
    return this.#byOriginal.size === 0 ? undefined : this.#byOriginal.get(textOf(id));
  }

  add(id: Uint8Array, connection: Connection): void {
    this.#byId.set(idKey(id, 0), { id, connection });
    connection.ids.push(id);
  }

  addOriginal(id: Uint8Array, connection: Connection): void {
    connection.originalId = textOf(id);
    this.#byOriginal.set(connection.originalId, connection);
  }

  addDialled(connection: Connection): void {
    const key = endOf(connection.address);
    const others = this.#dialled.get(key);
    if (others === undefined) this.#dialled.set(key, new Set([connection]));
    else others.add(connection);
  }

  /** Those that a packet without a known id may be a stateless reset for. */
  dialledTo(address: SocketAddress): ReadonlySet<Connection> | undefined {
    return this.#dialled.size === 0 ? undefined : this.#dialled.get(endOf(address));
  }

  /** The handshake is over: the client uses our id from now on. */
  forgetOriginal(connection: Connection): void {
    if (connection.originalId === undefined) return;
    this.#byOriginal.delete(connection.originalId);
    connection.originalId = undefined;
  }

  /** The peer gave an id back. */
  retire(id: Uint8Array, connection: Connection, now: Millis): void {
    const key = idKey(id, 0);
    this.#byId.delete(key);
    const index = connection.ids.findIndex((own) => idKey(own, 0) === key);
    if (index >= 0) connection.ids.splice(index, 1);
    while (this.#retired.takeExpired(now) !== undefined);
    this.#retired.set(key, true, now);
  }

  isRetired(packet: Uint8Array, offset: number): boolean {
    return this.#retired.size > 0 && this.#retired.peek(idKey(packet, offset)) === true;
  }

  remove(connection: Connection): void {
    for (const id of connection.ids) this.#byId.delete(idKey(id, 0));
    this.forgetOriginal(connection);
    const key = endOf(connection.address);
    const others = this.#dialled.get(key);
    if (others?.delete(connection) && others.size === 0) this.#dialled.delete(key);
  }

  get size(): number {
    return this.#byId.size;
  }

  get originals(): number {
    return this.#byOriginal.size;
  }
}

function endOf({ host, port }: SocketAddress): string {
  return `${host} ${port}`;
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1");
}

const RETIRED_LIMIT = 16_384;
const RETIRED_MS = 10_000;
