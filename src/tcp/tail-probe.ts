// Tail loss probe (RFC 8985 section 7): when what was sent is not acknowledged, one more segment soon brings an answer that
// tells what is missing, and spares the long wait for a timeout. Where a tenth of all packets is lost, so is every fifth
// probe or its answer: several are sent, each after twice the wait, in a recovery too, as QUIC does (RFC 9002 section 6.2).
import type { Millis } from "../core/machine.ts";

export class TailProbe {
  /** Up to where everything was sent when the probe left; undefined when none is out. */
  private end: number | undefined;
  private repeated = false;
  /** Since something was heard. */
  private sentInVain = 0;

  get outstanding(): boolean {
    return this.end !== undefined;
  }

  /** Whether only a timeout is left to wait for. */
  get isExhausted(): boolean {
    return this.sentInVain >= MOST_PROBES;
  }

  sent(end: number, repeated: boolean): void {
    this.end = end;
    this.repeated = repeated;
    this.sentInVain += 1;
  }

  /** The peer told of something that it had not told of before. */
  heard(): void {
    this.sentInVain = 0;
  }

  forget(): void {
    this.end = undefined;
    this.sentInVain = 0;
  }

  /** How long to wait, from the last transmission on. A peer may delay the acknowledgement of a single segment. */
  timeout(srtt: Millis, oneSegment: boolean): Millis {
    return Math.max(2 * srtt, LEAST_MS) * 2 ** this.sentInVain + (oneSegment ? MAX_ACK_DELAY_MS : 0);
  }

  /** Returns whether the answer shows that the probe replaced something that was lost. */
  acknowledged(position: number, duplicateReported: boolean, advanced: boolean): boolean {
    if (this.end === undefined || position < this.end) return false;
    if (this.repeated && !duplicateReported && position === this.end && advanced) return false; // the next one tells
    const repaired = this.repeated && !duplicateReported && position > this.end;
    this.end = undefined;
    return repaired;
  }
}

/** Below it a busy machine would be taken for a lossy path. */
const LEAST_MS = 10;
const MAX_ACK_DELAY_MS = 50;
const MOST_PROBES = 3;
