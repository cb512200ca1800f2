// Tail loss probe (RFC 8985 section 7): when the end of what was sent is not acknowledged, one more segment soon brings
// an answer that tells what is missing, and spares the long wait for a timeout.
import type { Millis } from "../core/machine.ts";

export class TailProbe {
  /** Up to where everything was sent when the probe left; undefined when none is out. */
  private end: number | undefined;
  private repeated = false;

  get outstanding(): boolean {
    return this.end !== undefined;
  }

  sent(end: number, repeated: boolean): void {
    this.end = end;
    this.repeated = repeated;
  }

  forget(): void {
    this.end = undefined;
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

/** When to probe, from the last transmission on. A peer may delay the acknowledgement of a single segment. */
export function probeTimeout(srtt: Millis, oneSegment: boolean): Millis {
  return Math.max(2 * srtt, LEAST_MS) + (oneSegment ? MAX_ACK_DELAY_MS : 0);
}

/** Below it a busy machine would be taken for a lossy path. */
const LEAST_MS = 10;
const MAX_ACK_DELAY_MS = 50;
