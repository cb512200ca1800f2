// UDP associations of SOCKS5 clients (RFC 1928, section 7): each has a UDP socket of its own beside its connection, for
// one program, and ends with the connection.
import type { Outbox } from "../core/outbox.ts";
import { LATER_SOCKETS, type LocalClient, type LocalCommand, type LocalSocketId } from "./local.ts";
import type { LocalConnection } from "./local-connection.ts";

export interface Association {
  readonly socket: LocalSocketId;
  readonly connection: LocalConnection;
  /** The port that the client says it will use; 0 when it does not know. */
  readonly announcedPort: number;
  /** Who uses it: whoever comes first from the address that the connection has. */
  client: LocalClient | undefined;
}

export class SocksAssociations {
  private readonly out: Pick<Outbox<LocalCommand>, "push">;
  private readonly ended: (socket: LocalSocketId) => void;
  private readonly bySocket = new Map<LocalSocketId, Association>();
  private readonly byConnection = new Map<LocalConnection, Association>();
  private sockets = LATER_SOCKETS;

  /** `ended` is told of each socket that nobody uses any more. */
  constructor(out: Pick<Outbox<LocalCommand>, "push">, ended: (socket: LocalSocketId) => void) {
    this.out = out;
    this.ended = ended;
  }

  get size(): number {
    return this.bySocket.size;
  }

  get isFull(): boolean {
    return this.bySocket.size >= MAX_ASSOCIATIONS;
  }

  /** Asks for the socket. */
  open(connection: LocalConnection, announcedPort: number): void {
    const socket = this.sockets++;
    const association = { socket, connection, announcedPort, client: undefined };
    this.bySocket.set(socket, association);
    this.byConnection.set(connection, association);
    this.out.push({ type: "local-udp-open", socket, listener: connection.listener });
  }

  at(socket: LocalSocketId): Association | undefined {
    return this.bySocket.get(socket);
  }

  of(connection: LocalConnection): Association | undefined {
    return this.byConnection.get(connection);
  }

  /** Who a datagram from there is of; undefined: not of the association's program. Nobody may use another's access. */
  clientOf(association: Association, from: LocalClient): LocalClient | undefined {
    const { client, announcedPort, connection } = association;
    if (client === from) return client;
    if (client !== undefined) return client.port === from.port && client.host === from.host ? client : undefined;
    if (from.host !== connection.host || (announcedPort !== 0 && announcedPort !== from.port)) return undefined;
    association.client = from;
    return from;
  }

  /** `socketIsOpen`: false when the shell has closed it. */
  close(association: Association, socketIsOpen: boolean): void {
    this.bySocket.delete(association.socket);
    this.byConnection.delete(association.connection);
    this.ended(association.socket);
    if (socketIsOpen) this.out.push({ type: "local-udp-close", socket: association.socket });
  }
}

const MAX_ASSOCIATIONS = 64;
