// What the relay has decided and the driver has not yet carried out, in order.
import { Outbox } from "../core/outbox.ts";
import type { Notice, PeerCommand, PeerId } from "../tunnel/peer.ts";

export type RelayOutput = PeerCommand | Notice;

export class Outputs {
  private readonly outbox = new Outbox<RelayOutput>();
  /** Used again for every forwarded datagram: outputs are borrowed until the next handle(), which forwards at most one. */
  private readonly forwarded: Forwarded = { type: "send", peer: 0, bytes: new Uint8Array(0) };

  /** A datagram on its way through; at most one per handle(). */
  forward(peer: PeerId, bytes: Uint8Array): void {
    this.forwarded.peer = peer;
    this.forwarded.bytes = bytes;
    this.outbox.push(this.forwarded);
  }

  /** A datagram of the relay's own. */
  send(peer: PeerId, bytes: Uint8Array): void {
    this.outbox.push({ type: "send", peer, bytes });
  }

  ping(peer: PeerId): void {
    this.outbox.push({ type: "ping", peer });
  }

  notice(notice: Notice): void {
    this.outbox.push(notice);
  }

  shift(): RelayOutput | undefined {
    return this.outbox.shift();
  }
}

interface Forwarded {
  readonly type: "send";
  peer: PeerId;
  bytes: Uint8Array;
}
