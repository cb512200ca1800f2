// The one timer of the sending half, and what it is for: a probe of the tail, a retransmission, or a question to a
// peer without room. It is always computed from when waiting began, so that arming it again changes nothing by itself.
import type { Millis } from "../core/machine.ts";

export type TimerPurpose = "tail-probe" | "retransmission" | "window-probe";

export class RetransmissionTimer {
  at: Millis | undefined;
  purpose: TimerPurpose = "retransmission";
  /** When something was sent last. */
  lastSentAt: Millis = Number.NEGATIVE_INFINITY;
  private since: Millis = 0;

  /** Waiting begins now: anew, or because there was progress. */
  restart(now: Millis): void {
    this.since = now;
  }

  /** `purpose` undefined: there is nothing to wait for. `probeAfter`: how long a tail may go unanswered. */
  arm(purpose: TimerPurpose | undefined, timeout: Millis, probeAfter: Millis, now: Millis): void {
    if (purpose === undefined) {
      this.at = undefined;
      return;
    }
    if ((purpose === "window-probe") !== (this.purpose === "window-probe")) this.since = now;
    this.purpose = purpose;
    this.at = this.since + timeout;
    if (purpose === "tail-probe") this.at = Math.min(this.at, Math.max(this.since, this.lastSentAt) + probeAfter);
  }
}
