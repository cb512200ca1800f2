// What one run of the test client is to do, as data: how it registers, what it sends, how long it listens.
import type { Ipv4 } from "../wire/address.ts";

export interface ProbePlan {
  /** Absent: no registration is sent. */
  readonly registration?: RegistrationPlan;
  /** Wrap what is sent for this service (0x2F); absent: send it raw. */
  readonly routedTo?: string;
  readonly activity: ActivityPlan;
  /** How long answers are collected once everything is sent. */
  readonly collectMs: number;
  /** The relay is expected to turn us away, be it after the handshake. */
  readonly expectRejection: boolean;
}

export interface RegistrationPlan {
  readonly service: string;
  /** What must come before anything is sent; "any" goes on after a short while without looking at the answer. */
  readonly expect: "any" | "ack" | "nack";
  /** How long an expected answer is waited for. */
  readonly answerMs: number;
}

export type ActivityPlan =
  | { readonly type: "collect" }
  | { readonly type: "interactive" }
  | {
      readonly type: "rtt";
      readonly samples: number;
      readonly flow: InnerFlow;
      readonly size: PayloadSize;
      readonly pattern: PayloadPattern;
    }
  | SeriesPlan;

/** Datagrams one after the other. */
export interface SeriesPlan {
  readonly type: "series";
  readonly count: number;
  /** From one to the next; 0 sends as fast as the connection takes them. */
  readonly delayMs: number;
  /** Wraps each payload in an inner UDP packet; absent: the payload is the datagram. */
  readonly flow?: InnerFlow;
  readonly content: SeriesContent;
  /** Most numbered payloads on their way at once; the next waits until one has come back. Absent: no limit. */
  readonly window?: number;
  /** Reports how many left, and how fast. */
  readonly burst: boolean;
  /** Compares the answers with what was sent. */
  readonly verify: boolean;
}

export type SeriesContent =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "pattern"; readonly pattern: PayloadPattern; readonly size: PayloadSize }
  /** Each payload says whose and which it is; the sizes go through the range. */
  | { readonly type: "numbered"; readonly least: PayloadSize; readonly most: PayloadSize };

/** Inner addresses and ports of what is sent. */
export interface InnerFlow {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
}

export type PayloadPattern = "zeros" | "ones" | "sequential" | "random";

/** In bytes, or relative to the largest payload that fits into one datagram of the connection. */
export type PayloadSize = { readonly bytes: number } | { readonly beyondLargest: number };
