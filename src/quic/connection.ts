// One QUIC connection as the endpoint keeps it: quiche's object and what we must remember beside it.
import type { Millis } from "../core/machine.ts";
import type { CertificateId } from "../identity/revocation-list.ts";
import type { ServerNames } from "../identity/server-name.ts";
import type { PeerId } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Handshake, Prefix } from "./admission.ts";
import type { DatagramQueue } from "./datagram-queue.ts";
import type { NativeAddress, NativeConnection } from "./native.ts";

/** Datagrams are read only in `open`; `gone` connections are no longer indexed. */
export type ConnectionState = "handshaking" | "open" | "closing" | "gone";

export interface ReceiveInfo {
  readonly from: NativeAddress;
  readonly to: NativeAddress;
}

export class Connection {
  readonly peer: PeerId;
  readonly native: NativeConnection;
  /** What the server must prove to be; undefined on connections that we accepted. */
  readonly expected: ServerNames | undefined;
  /** The source network it is counted under; undefined on connections that we dialled. */
  readonly prefix: Prefix | undefined;
  /** A handshake that is not complete by then is given up. */
  readonly handshakeBy: Millis;
  state: ConnectionState = "handshaking";
  /** The validated address. */
  address: SocketAddress;
  receiveInfo: ReceiveInfo;
  /** Unvalidated addresses that packets came from lately: a path probe is answered there. */
  readonly candidates: SocketAddress[] = [];
  /** Our ids that are routed to it, oldest first. */
  readonly ids: Uint8Array[] = [];
  /** The client's first destination id, as a map key, while the handshake lasts. */
  originalId: string | undefined;
  dirty = false;
  /** See delayed-acks.ts. */
  unacknowledged = 0;
  owesAck = false;
  readable = false;
  /** quiche's count of authenticated packets when a ping went out unanswered. */
  pingedAtReceived: number | undefined;
  /** Something beside datagrams and acknowledgements may be due: quiche is asked until it has nothing left. */
  hasControl = false;
  /** Datagrams given to quiche since it last wrote. */
  offered = 0;
  /** quiche has more datagrams than the network takes: further ones wait with us. */
  congested = false;
  waiting: DatagramQueue | undefined;
  /** A datagram was refused: the role is told when there is room again. */
  full = false;
  /** A sender was told to wait until what was offered has left. */
  held = false;
  maxDatagram = 0;
  /** What a client that was admitted showed. */
  certificates: readonly CertificateId[] = [];
  /** While it is counted among the handshakes under way. */
  handshake: Handshake | undefined;

  constructor(parts: {
    peer: PeerId;
    native: NativeConnection;
    address: SocketAddress;
    expected?: ServerNames;
    prefix?: Prefix;
    handshakeBy: Millis;
  }) {
    this.peer = parts.peer;
    this.native = parts.native;
    this.address = parts.address;
    this.receiveInfo = receiveInfo(parts.address);
    this.expected = parts.expected;
    this.prefix = parts.prefix;
    this.handshakeBy = parts.handshakeBy;
  }

  /** The path's addresses for quiche; built once for the validated path. */
  infoFor(from: SocketAddress): ReceiveInfo {
    if (from === this.address) return this.receiveInfo;
    if (samePath(from, this.address)) {
      this.moveTo(from);
      return this.receiveInfo;
    }
    if (!this.candidates.includes(from)) {
      if (this.candidates.length >= MAX_CANDIDATES) this.candidates.shift();
      this.candidates.push(from);
    }
    return receiveInfo(from);
  }

  /** The handshake is complete and its result is to our liking. */
  open(certificates: readonly CertificateId[] = []): void {
    this.state = "open";
    this.certificates = certificates;
    this.maxDatagram = this.native.dgramMaxWritableLen() ?? 0;
  }

  moveTo(address: SocketAddress): void {
    this.address = address;
    this.receiveInfo = receiveInfo(address);
  }

  /** Writes the next packet; null when there is none, also on a connection that can no longer send. */
  nextPacket(into: Uint8Array): ReturnType<NativeConnection["send"]> {
    try {
      return this.native.send(into);
    } catch {
      return null;
    }
  }

  /** When it has to be looked at again; `timeout` is quiche's, in milliseconds, null without one. */
  nextDeadline(timeout: number | null, now: Millis): Millis {
    // quiche truncates to whole milliseconds.
    const due = timeout === null ? this.handshakeBy : now + timeout + 1;
    if (this.state === "handshaking") return Math.min(due, this.handshakeBy);
    const since = this.waiting?.since();
    return since === undefined ? due : Math.min(due, since + MAX_WAIT_MS + 1);
  }

  /** The interned address that quiche names as a packet's destination. */
  pathTo(to: NativeAddress): SocketAddress | undefined {
    if (to.port === this.address.port && to.host === this.address.host) return this.address;
    return this.candidates.find((candidate) => candidate.port === to.port && candidate.host === to.host);
  }
}

/** Interned objects may be made anew after a long pause; the path is still the same. */
function samePath(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.host === b.host && a.local.socket === b.local.socket;
}

function receiveInfo(address: SocketAddress): ReceiveInfo {
  const { host, port, local } = address;
  return { from: { host, port }, to: { host: local.host, port: local.port } };
}

const MAX_CANDIDATES = 4;
/** As long as BBR sends next to nothing to measure the path, and a round trip; conversations put up with it. */
export const MAX_WAIT_MS = 400;
