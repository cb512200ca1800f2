// What passes between an endpoint (QUIC) and a role (relay, connector, agent).
import type { Anonymous, Identity } from "../identity/identity.ts";
import type { SocketAddress } from "../wire/address.ts";

/** The remote end of one QUIC connection. Never reused within a process. */
export type PeerId = number;

/** Why a handshake of ours failed. */
export type DialFailure =
  | "unreachable" // nothing answered
  | "refused" // the server closed without a certificate reason
  | "no-client-cert" // it wants a certificate and we have none
  | "unknown-ca" // one side does not trust the other's issuer
  | "expired"
  | "not-yet-valid"
  | "wrong-purpose"
  | "wrong-name"
  | "bad-certificate"
  | "alpn";

export type Layer = "transport" | "application";

export type PeerEvent =
  | {
      readonly type: "connected";
      readonly peer: PeerId;
      readonly identity: Identity | Anonymous;
      readonly address: SocketAddress;
      /** Largest datagram that the connection takes now, in bytes. */
      readonly maxDatagram: number;
    }
  | { readonly type: "datagram"; readonly peer: PeerId; readonly bytes: Uint8Array }
  | { readonly type: "datagram-limit"; readonly peer: PeerId; readonly maxDatagram: number }
  /** After room(peer) was 0: it takes datagrams again. */
  | { readonly type: "writable"; readonly peer: PeerId }
  /** An answer to a ping: any authenticated packet that came after it. */
  | { readonly type: "heard"; readonly peer: PeerId }
  /** Its validated address changed. */
  | { readonly type: "moved"; readonly peer: PeerId; readonly address: SocketAddress }
  /** A handshake that we started failed; `detail` is one phrase for the operator. */
  | {
      readonly type: "dial-failed";
      readonly peer: PeerId;
      readonly reason: DialFailure;
      readonly detail: string;
      /** What either side closed with, if one did. */
      readonly code?: number;
    }
  /** After `connected`: the connection is gone. A code of 0x100–0x1ff on the transport layer is a TLS alert. */
  | {
      readonly type: "disconnected";
      readonly peer: PeerId;
      readonly by: "us" | "peer" | "timeout" | "reset";
      readonly layer: Layer;
      readonly code: number;
      readonly reason: string;
    };

export type PeerCommand =
  | { readonly type: "send"; readonly peer: PeerId; readonly bytes: Uint8Array }
  | { readonly type: "ping"; readonly peer: PeerId }
  | {
      readonly type: "close";
      readonly peer: PeerId;
      readonly layer: Layer;
      readonly code: number;
      readonly reason: string;
    };

/** A client role asks the shell to resolve the relay's name and start a handshake. `dial` numbers the attempt. */
export type Dial = { readonly type: "dial"; readonly dial: number };

/** What became of a Dial before there is anything to say about the handshake. */
export type DialEvent =
  | { readonly type: "dialing"; readonly dial: number; readonly peer: PeerId }
  | { readonly type: "unresolved"; readonly dial: number; readonly detail: string };

/** A client role gives up before its first success, for a reason that waiting does not mend. The shell prints it and exits. */
export type Fatal = {
  readonly type: "fatal";
  readonly exit: "credentials";
  /** Stable reason code. */
  readonly reason: string;
  /** One sentence that says what to do. */
  readonly sentence: string;
};

export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line for the log. Never for what a stranger can trigger at will: that is a counter. Never payloads. */
export type Notice = {
  readonly type: "notice";
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number>>;
};
