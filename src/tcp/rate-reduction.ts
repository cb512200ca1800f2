// Proportional rate reduction (RFC 6937): during recovery the window comes down to its threshold in step with what
// arrives, instead of falling silent for half a round trip first.

export class RateReduction {
  private delivered = 0;
  private sentBytes = 0;
  private flightAtStart = 1;

  begin(flight: number): void {
    this.delivered = 0;
    this.sentBytes = 0;
    this.flightAtStart = Math.max(flight, 1);
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  /** The window after an acknowledgement of `delivered` bytes. The first retransmission is never held back. */
  window(delivered: number, inNetwork: number, threshold: number, mss: number): number {
    this.delivered += delivered;
    const allowed = this.allowance(delivered, inNetwork, threshold, mss);
    const least = this.sentBytes === 0 ? mss : 0;
    return inNetwork + Math.max(allowed, least);
  }

  private allowance(delivered: number, inNetwork: number, threshold: number, mss: number): number {
    if (inNetwork > threshold) {
      return Math.ceil((this.delivered * threshold) / this.flightAtStart) - this.sentBytes;
    }
    return Math.min(threshold - inNetwork, Math.max(this.delivered - this.sentBytes, delivered) + mss);
  }
}
