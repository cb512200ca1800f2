// The window that we offer: what the buffer has room for, never taken back, and not opened by silly little steps
// (RFC 9293 section 3.8.6.2.2). It grows by what the application really took.

export class ReceiveWindow {
  /** The first position beyond everything ever offered. */
  edge = 1;
  /** 0 until a scale is agreed. */
  shift = 0;
  /** How much is offered at most, now. */
  private capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
  }

  /**
   * The header's field. `next`: what is expected next; `limit`: the first position that the buffer has no room for;
   * `step`: by how much the window is worth opening. A SYN is never scaled.
   */
  offer(next: number, limit: number, step: number, isSyn: boolean): number {
    const shift = isSyn ? 0 : this.shift;
    const reachable = Math.min(limit, next + 0xffff * 2 ** shift);
    const edge = reachable - this.edge >= this.least(step) ? reachable : this.edge;
    const field = Math.min(Math.max(edge - next, 0) >> shift, 0xffff);
    this.edge = Math.max(this.edge, next + field * 2 ** shift);
    return field;
  }

  /** Whether so much room came about since the last offer that the peer should hear of it. */
  isUpdateDue(next: number, limit: number, step: number): boolean {
    const reachable = Math.min(limit, next + 0xffff * 2 ** this.shift);
    const gain = reachable - this.edge;
    if (gain >= Math.min(this.capacity, 0xffff * 2 ** this.shift) / 4) return gain > 0;
    return this.edge - next < 2 * step && gain >= this.least(step);
  }

  private least(step: number): number {
    return Math.max(Math.min(step, Math.floor(this.capacity / 2)), 1);
  }
}

/** The scale with which a header can tell of the whole buffer. */
export function shiftFor(capacity: number): number {
  let shift = 0;
  while (shift < MAX_SHIFT && capacity > 0xffff * 2 ** shift) shift += 1;
  return shift;
}

export const MAX_SHIFT = 14;
