// Is the remote end of a connection still there? Silence means nothing on its own: only a peer that was sent something
// and stays quiet is pinged, and only unanswered pings make it dead. So idle peers cost nothing, and a stall of our own
// process kills nobody, because the pings come first.
import type { Millis } from "../core/machine.ts";

export interface LivenessOptions {
  /** From the first unanswered send to the first ping, between pings, and from the last ping to the verdict. */
  readonly intervalMs: number;
  /** Unanswered pings that make a peer dead. */
  readonly pings: number;
}

export type LivenessVerdict = "ok" | "ping" | "dead";

/** One per peer. `check` is to be called at `deadline()`; calling it earlier or more often changes nothing. */
export class Liveness {
  private readonly options: LivenessOptions;
  private due: Millis | undefined;
  private unanswered = 0;

  constructor(options: LivenessOptions = DEFAULT_OPTIONS) {
    this.options = options;
  }

  /** Something that the peer acknowledges or answers went out. Cheap enough for every datagram. */
  sent(now: Millis): void {
    if (this.due === undefined && !this.dead) this.due = now + this.options.intervalMs;
  }

  /** Anything authenticated came in. A dead peer lives again. */
  heard(_now: Millis): void {
    this.due = undefined;
    this.unanswered = 0;
  }

  /** "ping": send one now. "dead": from now on, until it is heard; `deadline()` is then undefined. */
  check(now: Millis): LivenessVerdict {
    if (this.dead) return "dead";
    if (this.due === undefined || now < this.due) return "ok";
    this.unanswered++;
    if (this.dead) {
      this.due = undefined;
      return "dead";
    }
    this.due = now + this.options.intervalMs;
    return "ping";
  }

  deadline(): Millis | undefined {
    return this.due;
  }

  get dead(): boolean {
    return this.unanswered > this.options.pings;
  }

  /** Pings that went out since the peer was last heard. */
  get unansweredPings(): number {
    return Math.min(this.unanswered, this.options.pings);
  }
}

/** Pinged 1 s after the first unanswered send and again at 2 s; dead at 3 s. */
const DEFAULT_OPTIONS: LivenessOptions = { intervalMs: 1000, pings: 2 };
