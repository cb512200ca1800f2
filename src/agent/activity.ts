// What a probe does once it is connected and registered. Each activity is a small machine of its own.
import type { Millis } from "../core/machine.ts";
import type { EchoResult } from "./echo-check.ts";
import type { LedgerResult } from "./echo-ledger.ts";
import type { BurstResult, ProbeEvent } from "./probe-output.ts";
import type { RttResult } from "./rtt-statistics.ts";

/** The connection, as an activity may use it. */
export interface ProbeLine {
  /** Undefined when it was sent, else why not. */
  send(datagram: Uint8Array): string | undefined;
  /** Datagrams that may be sent now. */
  room(): number;
  /** Bytes of the largest datagram that send() takes. */
  largest(): number;
  emit(event: ProbeEvent): void;
}

export type ActivityState = "running" | "done" | { readonly failure: string };

export interface ActivityResult {
  readonly burst?: BurstResult;
  readonly echo?: EchoResult;
  readonly ledger?: LedgerResult;
  readonly rtt?: RttResult;
}

export interface Activity {
  /** Whether each datagram that arrives meanwhile is shown. */
  readonly showsReceived: boolean;
  readonly wantsAnswers: boolean;
  /** Does what is due; also the first call. */
  advance(now: Millis): void;
  /** Data that arrived, also while answers are collected after the end. */
  received(datagram: Uint8Array, now: Millis): void;
  /** The line that was prompted for; undefined at the end of input. */
  line(text: string | undefined, now: Millis): void;
  /** The connection is gone: nothing can be sent any more. */
  closed(now: Millis): void;
  deadline(): Millis | undefined;
  state(): ActivityState;
  result(): ActivityResult;
}

export const CONNECTION_GONE = "the connection is closed";
