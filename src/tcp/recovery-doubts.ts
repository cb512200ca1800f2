// Whether a recovery was a mistake: if the peer reports that everything which was sent again came twice (RFC 2883,
// RFC 3708), nothing had been lost, only late, and the window need not have come down.

export class RecoveryDoubts {
  /** What the window and its threshold were before the recovery. */
  window = 0;
  threshold = 0;
  private watching = false;
  private sentAgainBytes = 0;
  private cameTwiceBytes = 0;

  begin(window: number, threshold: number): void {
    this.window = window;
    this.threshold = threshold;
    this.watching = true;
    this.sentAgainBytes = 0;
    this.cameTwiceBytes = 0;
  }

  sentAgain(bytes: number): void {
    this.sentAgainBytes += bytes;
  }

  /** Returns whether the recovery is now known to be a mistake. */
  cameTwice(bytes: number): boolean {
    if (!this.watching) return false;
    this.cameTwiceBytes += bytes;
    if (this.cameTwiceBytes < this.sentAgainBytes || this.sentAgainBytes === 0) return false;
    this.watching = false;
    return true;
  }

  end(): void {
    this.watching = false;
  }
}
