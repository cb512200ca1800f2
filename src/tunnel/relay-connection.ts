// One connection to the relay, as its client watches it: pinged when idle, suspected early, given up late.
import type { Millis } from "../core/machine.ts";
import { Liveness } from "./liveness.ts";
import type { PeerId } from "./peer.ts";

/** "ping": send one. "suspect": send one, and look for a replacement. "dead": give it up. */
export type ConnectionVerdict = "ok" | "ping" | "suspect" | "dead";

export class RelayConnection {
  readonly peer: PeerId;
  /** Largest datagram that it takes now. */
  maxDatagram: number;
  private readonly liveness = new Liveness(RHYTHM);
  private heardAt: Millis;

  constructor(peer: PeerId, maxDatagram: number, now: Millis) {
    this.peer = peer;
    this.maxDatagram = maxDatagram;
    this.heardAt = now;
  }

  sent(now: Millis): void {
    this.liveness.sent(now);
  }

  heard(now: Millis): void {
    this.heardAt = now;
    this.liveness.heard(now);
  }

  check(now: Millis): ConnectionVerdict {
    if (this.liveness.deadline() === undefined && now >= this.heardAt + IDLE_PING_MS) {
      this.liveness.sent(now);
      return "ping";
    }
    const verdict = this.liveness.check(now);
    return verdict === "ping" && this.liveness.unansweredPings >= SUSPICIOUS_PINGS ? "suspect" : verdict;
  }

  deadline(): Millis {
    return this.liveness.deadline() ?? this.heardAt + IDLE_PING_MS;
  }
}

/** Without traffic a relay that went away is noticed only by asking. */
const IDLE_PING_MS = 3000;
/** Dead 3 s after the first unanswered send, suspected after 1 s. */
const RHYTHM = { intervalMs: 500, pings: 5 };
const SUSPICIOUS_PINGS = 2;
