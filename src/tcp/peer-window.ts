// How much the peer is willing to take (RFC 9293 section 3.10.7.4, window scaling of RFC 7323).

export class PeerWindow {
  /** The first position that the peer has no room for. */
  edge = 0;
  /** The largest window that the peer ever offered: an estimate of its buffer. */
  largest = 0;
  /** 0 until a scale is agreed; never applies to a SYN. */
  shift = 0;
  private sequence = 0;
  private acknowledgement = 0;

  /** `sequence` and `acknowledgement` are those of the segment that says so. An older segment changes nothing. */
  update(sequence: number, acknowledgement: number, field: number, isSyn: boolean): void {
    const newer = sequence > this.sequence || (sequence === this.sequence && acknowledgement >= this.acknowledgement);
    if (!newer) return;
    const window = isSyn ? field : field << this.shift;
    this.sequence = sequence;
    this.acknowledgement = acknowledgement;
    this.edge = acknowledgement + window;
    this.largest = Math.max(this.largest, window);
  }
}
