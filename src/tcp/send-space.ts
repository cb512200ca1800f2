// The sequence space of the sending half (RFC 9293 section 3.3.1): what is written, sent and acknowledged, and how far
// the peer lets us go.
import type { PagePool } from "./page-pool.ts";
import { PeerWindow } from "./peer-window.ts";
import { SendBuffer } from "./send-buffer.ts";

export class SendSpace {
  readonly buffer: SendBuffer;
  readonly peer = new PeerWindow();
  /** The oldest position that is not acknowledged, and the next one that was never sent. */
  una = 0;
  nxt = 0;
  /** Where the FIN stands; undefined while more may be written. */
  finAt: number | undefined;
  /** The FIN rides on no payload: some peers throw away what comes with it. */
  finAlone = false;

  constructor(capacity: number, pages: PagePool) {
    this.buffer = new SendBuffer(capacity, pages);
  }

  get finAcknowledged(): boolean {
    return this.finAt !== undefined && this.una > this.finAt;
  }

  /** Where what could be sent ends, if the peer had room for it. */
  get available(): number {
    return this.finAt === undefined ? this.buffer.end : this.finAt + 1;
  }

  /** Where what may be sent ends. */
  get limit(): number {
    return Math.min(this.available, this.peer.edge);
  }

  /** Where a segment ends that begins at `start`. The FIN may ride on the last one and takes none of its room. */
  segmentEnd(start: number, limit: number, maxPayload: number): number {
    const end = Math.min(limit, start + maxPayload);
    if (this.finAlone && this.finAt !== undefined && start < this.finAt) return Math.min(end, this.finAt);
    return end === this.finAt && limit > end ? end + 1 : end;
  }

  /** A new segment that the window cuts short waits until it is worth sending (RFC 9293 section 3.8.6.2.1). */
  isSilly(end: number, maxPayload: number): boolean {
    const length = end - this.nxt;
    return end < this.available && length < maxPayload && length * 2 < this.peer.largest;
  }

  /** Whether it is only for want of room at the peer that nothing new is sent. */
  isBlockedByPeer(mss: number): boolean {
    if (this.una === 0 || this.nxt >= this.available) return false;
    return this.limit <= this.nxt || this.isSilly(this.segmentEnd(this.nxt, this.limit, mss), mss);
  }
}
