// What a connector counts. At all times, for what agents sent: received = control + forwarded + answered + Σ dropped,
// and for what backends sent: received = forwarded + Σ dropped. Packets of the connector's own making are `answers`.
import type { IcmpFault } from "../wire/icmp.ts";
import type { Ipv4Fault } from "../wire/ipv4.ts";
import type { TcpFault } from "../wire/tcp.ts";
import type { UdpFault } from "../wire/udp.ts";
import type { BackendFailure } from "./backend.ts";
import type { ServiceFault } from "./services.ts";

/** Why a datagram of the relay went no further. */
export type RequestDrop =
  | Ipv4Fault
  | `icmp-${IcmpFault}`
  | `tcp-${TcpFault}`
  | `udp-${UdpFault}`
  | ServiceFault
  | "stale-connection" // of a connection that has been given up
  | "unexpected" // neither an inner packet nor a message that a relay sends to a connector
  | "unsupported-protocol"
  | "icmp-not-echo"
  | "tcp-unknown-connection" // a segment of none that is open
  | "tcp-memory" // slow readers hold all the memory there is; the agent sends it again
  | "syn-rate" // an agent opens connections too fast
  | "session-limit" // too many TCP connections in all, or of one agent
  | "session-limit-of-agent"
  | "flow-rate"; // an agent opens flows too fast

/** Why a packet of a backend did not reach its agent. */
export type ReplyDrop =
  | "reply-unknown-flow"
  | "reply-not-connected" // the relay is away; the flow stays
  | "reply-too-large"; // for a datagram of the relay connection: nothing is fragmented

export type AnswerKind = "echo-reply" | "reset";

export class HopStats<Reason extends string> {
  received = 0;
  receivedBytes = 0;
  /** UDP payloads and TCP segments that were taken, or what backends sent and agents will get. */
  forwarded = 0;
  /** Of those payloads, without headers. */
  forwardedBytes = 0;
  readonly dropped: Partial<Record<Reason, number>> = {};

  drop(reason: Reason): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }
}

export class ConnectorStats {
  readonly hops = { agent: new HopStats<RequestDrop>(), backend: new HopStats<ReplyDrop>() };
  /** Datagrams of the relay about the connection itself. */
  control = 0;
  /** Echo requests answered here. */
  answered = 0;
  readonly answers: Record<AnswerKind, number> = { "echo-reply": 0, reset: 0 };
  /** Answers that the relay connection would not take. */
  answersLost = 0;
  flowsOpened = 0;
  /** Flows that made room for a newer one before they were idle. */
  flowsEvicted = 0;
  readonly backendFailures: Record<BackendFailure, number> = {
    ...{ unresolved: 0, refused: 0, unreachable: 0, timeout: 0, "no-socket": 0 },
  };
  /** TCP connections to backends that were started. */
  tcpSessions = 0;
  /** Those that failed or broke. */
  tcpErrors = 0;
  /** Those that ended because one direction was over and nothing went the other way. */
  tcpIdled = 0;
}
