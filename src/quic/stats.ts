// What an endpoint counts. At all times `receivedPackets = acceptedPackets + Σ dropped` and
// `datagramsTaken = datagramsSent + datagramsWaiting + Σ datagramsDropped`.
import type { AdmissionRefusal } from "./admission.ts";
import type { TokenFault } from "./retry.ts";

/** Why a received packet was not handed to a connection. Packets that were answered without state count too. */
export type PacketDrop =
  | "empty"
  | "malformed-header"
  | "small-initial"
  | "short-destination-id"
  | "source-port-0"
  | "version"
  | "version-negotiated"
  | "unknown-connection"
  | "reset-sent"
  | "retired-id"
  | "not-a-server"
  | "draining"
  | "retry-sent"
  | "retry-limited"
  | `token-${TokenFault}`
  | AdmissionRefusal
  | "accept-failed"
  | "rejected-by-quic";

/** Why a datagram that a role sent did not leave; `late`: it waited too long for a congested connection. */
export type DatagramDrop = "not-connected" | "queue-full" | "too-large" | "late";

/** Why an authenticated handshake was closed before the role met the peer. */
export type PeerRefusal =
  | "resumed"
  | "no-client-cert"
  | "bad-certificate"
  | "no-name"
  | "weak-key"
  | "ca-as-leaf"
  | "wrong-purpose"
  | "expired"
  | "not-yet-valid"
  | "wrong-name"
  | "revoked";

export class EndpointStats {
  receivedPackets = 0;
  receivedBytes = 0;
  acceptedPackets = 0;
  sentPackets = 0;
  sentBytes = 0;
  readonly dropped: Partial<Record<PacketDrop, number>> = {};
  readonly refused: Partial<Record<PeerRefusal, number>> = {};
  handshakesStarted = 0;
  handshakesCompleted = 0;
  handshakesFailed = 0;
  /** Connections that ended and are forgotten, whatever became of their handshake. */
  connectionsGone = 0;
  retryTokensValidated = 0;
  retryTokenFailures = 0;
  datagramsReceived = 0;
  /** What roles asked to send. */
  datagramsTaken = 0;
  /** Handed to quiche. */
  datagramsSent = 0;
  /** Kept for congested connections. */
  datagramsWaiting = 0;
  readonly datagramsDropped: Record<DatagramDrop, number> = {
    "not-connected": 0,
    "queue-full": 0,
    "too-large": 0,
    late: 0,
  };
  /** Bytes that peers sent on streams: read, discarded and counted, because nothing gives them a meaning. */
  streamBytesDiscarded = 0;
  connectionIdsIssued = 0;
  reloads = 0;

  drop(reason: PacketDrop): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }

  refuse(reason: PeerRefusal): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1;
  }
}
