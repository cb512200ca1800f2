// What a probe tells its shell while it runs and when it is done. Bytes are borrowed, as in every output.
import type { Dial, DialFailure, Layer, PeerCommand } from "../tunnel/peer.ts";
import type { EchoResult } from "./echo-check.ts";
import type { LedgerResult } from "./echo-ledger.ts";
import type { RttResult } from "./rtt-statistics.ts";

export type ProbeEvent =
  | { readonly type: "handshake"; readonly micros: number }
  /** Of the connection as it is: largest datagram, and largest payload of an inner UDP packet. */
  | { readonly type: "sizes"; readonly datagram: number; readonly payload: number }
  | { readonly type: "received"; readonly bytes: Uint8Array }
  /** The next line of input is wanted. */
  | { readonly type: "prompt" }
  | { readonly type: "burst"; readonly burst: BurstResult }
  | { readonly type: "rtt"; readonly rtt: RttResult }
  | { readonly type: "closed"; readonly closed: Closed }
  | { readonly type: "finished"; readonly report: ProbeReport };

export type ProbeOutput =
  | PeerCommand
  | Dial
  | { readonly type: "probe"; readonly agent: number; readonly event: ProbeEvent };

export interface BurstResult {
  readonly sent: number;
  readonly micros: number;
}

/** By whom, and how, a connection ended before we closed it. */
export interface Closed {
  readonly by: "us" | "peer" | "timeout" | "reset";
  readonly layer: Layer;
  readonly code: number;
  readonly reason: string;
}

export type HandshakeResult =
  | { readonly done: true; readonly micros: number }
  | { readonly done: false; readonly reason: DialFailure; readonly detail: string; readonly code?: number };

export type RegistrationResult =
  | { readonly type: "none" }
  | { readonly type: "unanswered" }
  | { readonly type: "acknowledged" }
  | { readonly type: "refused"; readonly status: number };

/** Everything that a verdict needs. */
export interface ProbeReport {
  /** Absent when the run was interrupted before. */
  readonly handshake?: HandshakeResult;
  readonly registration: RegistrationResult;
  readonly closed?: Closed;
  /** Why a datagram could not be sent; nothing was sent after it. */
  readonly sendFailure?: string;
  /** Data sent and received: neither registration, nor its answer, nor the observed address. */
  readonly sent: number;
  readonly answers: number;
  /** Whether what was sent asks for answers: inner packets do, raw datagrams need not. */
  readonly wantsAnswers: boolean;
  readonly burst?: BurstResult;
  readonly echo?: EchoResult;
  readonly ledger?: LedgerResult;
  readonly rtt?: RttResult;
  readonly interrupted: boolean;
}
