// One connection of a local program, from its acceptance to its end.
import type { Splice } from "../tunnel/splice.ts";
import type { StreamId } from "../tunnel/stream.ts";
import type { TcpSession } from "../tunnel/tcp-session.ts";
import type { ListenerId } from "./local.ts";
import type { LocalService } from "./local-services.ts";
import type { SocksHandshake } from "./socks5.ts";

/** What a connection leads to once that is known. */
export interface LocalTarget {
  readonly service: LocalService;
  readonly port: number;
}

export class LocalConnection {
  readonly stream: StreamId;
  readonly listener: ListenerId;
  /** The program's address. */
  readonly host: string;
  /** While a SOCKS5 client has not said what it wants. */
  handshake: SocksHandshake | undefined;
  /** Whether the program waits for SOCKS5's answer. */
  readonly socks: boolean;
  target: LocalTarget | undefined;
  /** What came before there was a connection to give it to. */
  early: Uint8Array | undefined;
  /** The program had nothing more to say before there was one. */
  endedEarly = false;
  session: TcpSession<LocalConnection> | undefined;
  /** Opened so soon after others that a refusal may only mean: too fast. */
  inHurry = false;
  /** Once it is established. */
  splice: Splice | undefined;
  established = false;
  /** Lengths of writes of ours, not of the splice, that "stream-taken" is still to answer. */
  readonly ownWrites: number[] = [];

  constructor(stream: StreamId, listener: ListenerId, host: string, handshake: SocksHandshake | undefined) {
    this.stream = stream;
    this.listener = listener;
    this.host = host;
    this.handshake = handshake;
    this.socks = handshake !== undefined;
  }
}
