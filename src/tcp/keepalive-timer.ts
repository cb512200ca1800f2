// Questions to a peer that has been silent for long (RFC 9293 section 3.8.4).
import type { Millis } from "../core/machine.ts";
import type { Keepalive } from "./connection-options.ts";

export class KeepaliveTimer {
  at: Millis | undefined;
  /** A question is to be sent. */
  due = false;
  private readonly settings: Keepalive | undefined;
  private unanswered = 0;

  constructor(settings: Keepalive | undefined) {
    this.settings = settings;
  }

  heard(now: Millis): void {
    if (this.settings === undefined) return;
    this.at = now + this.settings.idleMs;
    this.unanswered = 0;
    this.due = false;
  }

  /** Returns whether the peer is gone. `idle`: nothing is on its way, or its own timer would notice. */
  handleTimeout(now: Millis, idle: boolean): boolean {
    if (this.settings === undefined || this.at === undefined || now < this.at) return false;
    this.at = now + this.settings.intervalMs;
    if (!idle) return false;
    if (this.unanswered >= this.settings.probes) return true;
    this.unanswered += 1;
    this.due = true;
    return false;
  }

  stop(): void {
    this.at = undefined;
    this.due = false;
  }
}
