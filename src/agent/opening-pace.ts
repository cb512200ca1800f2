// How fast connections are opened. A connector takes ten a second from one agent, as the reference's does, and resets
// those beyond: the same answer as a refusal. So a refusal of one that was opened in a hurry is not believed; it and those
// that come meanwhile are opened again at a pace that every connector takes. Where the limit is higher nothing waits.
import type { Millis } from "../core/machine.ts";

/** `Opening` is what waits to be opened. */
export class OpeningPace<Opening> {
  /** When the last openings were, the oldest at `next`. */
  private readonly openings: Millis[] = new Array<Millis>(PER_WINDOW).fill(Number.NEGATIVE_INFINITY);
  private next = 0;
  private readonly queue = new Set<Opening>();
  private releaseAt: Millis | undefined;

  get length(): number {
    return this.queue.size;
  }

  /** Whether whatever wants to be opened now has to wait its turn. */
  get isSlow(): boolean {
    return this.queue.size > 0;
  }

  /** One is opened. Returns whether it is in a hurry: one too many for a connector's window, maybe. */
  opened(now: Millis): boolean {
    const inHurry = now - (this.openings[this.next] as Millis) < WINDOW_MS;
    this.openings[this.next] = now;
    this.next = (this.next + 1) % PER_WINDOW;
    return inHurry;
  }

  isWaiting(opening: Opening): boolean {
    return this.queue.has(opening);
  }

  wait(opening: Opening, now: Millis): void {
    this.queue.add(opening);
    this.releaseAt ??= now + WINDOW_MS;
  }

  forget(opening: Opening): void {
    this.queue.delete(opening);
    if (this.queue.size === 0) this.releaseAt = undefined;
  }

  deadline(): Millis | undefined {
    return this.releaseAt;
  }

  /** Those whose turn it is. */
  release(now: Millis): readonly Opening[] {
    if (this.releaseAt === undefined || now < this.releaseAt) return [];
    const due = [...this.queue].slice(0, PER_WINDOW);
    for (const opening of due) this.queue.delete(opening);
    this.releaseAt = this.queue.size === 0 ? undefined : now + WINDOW_MS;
    return due;
  }
}

const PER_WINDOW = 10;
/** A second, and some: packets may come closer together than they were sent. */
const WINDOW_MS = 1100;
