// What travels in the simulated world, and between whom.
import type { Machine, Millis } from "../../src/core/machine.ts";
import type { Anonymous, Identity } from "../../src/identity/identity.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";

export type ClientMachine = Pick<
  Machine<PeerEvent | DialEvent, PeerCommand | Dial | Notice | Fatal>,
  "handle" | "poll" | "deadline"
>;
export type Side = "client" | "relay";
export type Close = Pick<Extract<PeerCommand, { type: "close" }>, "layer" | "code" | "reason">;

/** A client of the world: the machine may be exchanged for a new one, as when a process is restarted. */
export interface Client {
  readonly name: string;
  readonly identity: Identity | Anonymous;
  machine: ClientMachine | undefined;
  /** Of its socket, which all its connections share: another one after a restart. */
  port: number;
  /** The largest datagram that each side may send to the other, in bytes. */
  readonly maxDatagram: Readonly<Record<Side, number>>;
}

export interface Connection {
  readonly id: PeerId;
  readonly client: Client;
  readonly machine: ClientMachine;
  /** Which life of the relay knows it; undefined until the first packet reaches one. */
  relayLife: number | undefined;
  readonly open: Record<Side, boolean>;
  readonly pinged: Record<Side, boolean>;
  readonly heardAt: Record<Side, Millis>;
}

export type Frame = { readonly connection: Connection } & (
  | { readonly type: "initial" | "handshake" | "finished" | "ping" | "pong" | "reset" }
  | { readonly type: "datagram"; readonly bytes: Uint8Array }
  | { readonly type: "close"; readonly close: Close }
);

/** Not once its process was killed. */
export function isAlive({ client, machine }: Connection): boolean {
  return client.machine === machine;
}

export function copyFrame(frame: Frame): Frame {
  return frame.type === "datagram" ? { ...frame, bytes: frame.bytes.slice() } : frame;
}
