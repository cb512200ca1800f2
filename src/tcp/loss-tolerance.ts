// Whether losses mean that too much is sent. A full path loses less when less is sent to it; one that loses at random
// goes on. So now and then a loss is answered as CUBIC does, and the part that is lost while the window is small is
// what the path loses by itself: up to about that much, losses are no reason to send less.
import type { Millis } from "../core/machine.ts";

export class LossTolerance {
  /** What the path loses by itself, 0 to 1. */
  private inherent = 0;
  /** What it loses now. */
  private recent = 0;
  private delivered = 0;
  private lost = 0;
  /** When the window came down for a look, and whether that goes on. */
  private lookedAt: Millis = Number.NEGATIVE_INFINITY;
  private looking = false;

  /** The window is down, to see what is lost then. */
  get isLooking(): boolean {
    return this.looking;
  }

  /** `delivered` and `lost`: bytes that one acknowledgement told of. Returns whether a look is over. */
  acknowledged(delivered: number, lost: number, mss: number, srtt: Millis, now: Millis): boolean {
    // What is heard of in the first two round trips was sent before the window had come down.
    if (this.looking && now < this.lookedAt + 2 * srtt) return false;
    this.delivered += delivered;
    this.lost += lost;
    const told = this.delivered + this.lost;
    const isLate = this.looking && now > this.lookedAt + 4 * srtt + LONGEST_LOOK_MS;
    if (told === 0 || (told < ENOUGH_SEGMENTS * mss && !isLate)) return false;
    const part = this.lost / told;
    if (this.looking) this.inherent = this.recent = part;
    else this.recent = (this.recent + part) / 2;
    const ended = this.looking;
    this.looking = false;
    this.forgetCounts();
    return ended;
  }

  /** Something was lost. False: the window comes down, and a look begins. */
  tolerates(now: Millis): boolean {
    const bearable = Math.min(1.25 * this.inherent + SLACK, MOST);
    const isOld = this.inherent > 0 && now >= this.lookedAt + LOOK_EVERY_MS;
    if (this.recent <= bearable && !isOld) return true;
    this.lookedAt = now;
    this.looking = true;
    this.forgetCounts();
    return false;
  }

  private forgetCounts(): void {
    this.delivered = 0;
    this.lost = 0;
  }
}

const ENOUGH_SEGMENTS = 100;
const LONGEST_LOOK_MS = 1_000;
const LOOK_EVERY_MS = 10_000;
/** Chance, in a hundred segments. */
const SLACK = 0.02;
/** Five per cent on either hop of a tunnel make ten; a full path with next to no buffer loses more. */
const MOST = 0.15;
