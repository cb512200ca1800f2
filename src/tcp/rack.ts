// Which of what is on its way is lost (RFC 8985, RACK): what was sent before something that has arrived, unless the
// network merely reorders. How long to wait for that is learnt; before anything was reordered, three segments that
// arrived behind a gap prove a loss at once, as in RFC 6675. A retransmission that is lost is found in the same way.
import type { Millis } from "../core/machine.ts";
import { type Delivery, isSentAfter } from "./delivery.ts";
import type { Scoreboard } from "./scoreboard.ts";

export class Rack {
  /** Of what was sent last among everything that has arrived. */
  private batch = 0;
  private end = 0;
  private rtt: Millis = 0;
  private reordering = false;
  /** Widens the wait while the peer reports duplicates, which say that we were hasty. */
  private quarters = 1;
  private recoveriesToKeep = 0;
  private widenAgainFrom = 0;

  delivered(delivery: Delivery, now: Millis): void {
    if (delivery.reordered) this.reordering = true;
    if (!isSentAfter(delivery.lastBatch, delivery.lastEnd, this.batch, this.end)) return;
    this.batch = delivery.lastBatch;
    this.end = delivery.lastEnd;
    this.rtt = now - delivery.lastSentAt;
  }

  /** The peer got something twice. Counts once a round trip. */
  duplicateReported(acknowledged: number, sent: number): void {
    if (acknowledged < this.widenAgainFrom) return;
    this.widenAgainFrom = sent;
    this.quarters = Math.min(this.quarters + 1, MAX_QUARTERS);
    this.recoveriesToKeep = RECOVERIES_TO_KEEP;
  }

  recovered(): void {
    this.recoveriesToKeep -= 1;
    if (this.recoveriesToKeep <= 0) this.quarters = 1;
  }

  /** How long something may be behind what was sent after it. */
  patience(minRtt: Millis, srtt: Millis, proven: boolean): Millis {
    if (proven && !this.reordering) return 0;
    return Number.isFinite(minRtt) ? Math.min((this.quarters * minRtt) / 4, srtt) : 0;
  }

  /** Marks what is lost. Returns when to look again; undefined when there is nothing to wait for. */
  markLost(flight: Scoreboard, patience: Millis, now: Millis): Millis | undefined {
    let lookAgain: Millis | undefined;
    for (let run = flight.head; run !== undefined; run = run.next) {
      if (run.sacked || run.lost) continue;
      if (!isSentAfter(this.batch, this.end, run.batch, run.end)) {
        if (run.retransmitted) continue;
        break; // everything behind it was sent later still
      }
      const due = run.sentAt + this.rtt + patience;
      if (now >= due) flight.markLost(run);
      else if (lookAgain === undefined || due < lookAgain) lookAgain = due;
    }
    return lookAgain;
  }
}

const MAX_QUARTERS = 64;
const RECOVERIES_TO_KEEP = 16;
