// How much a receiver offers at most. Twice as much whenever so much was really taken, until a queue is seen to stand on
// the way here: then what was on its way less the queue, and slowly up from there. A sender that goes by losses would
// fill the queue up to whatever is offered, as the tunnel loses nothing; rLEDBAT governs senders from here in this way.
import type { Millis } from "../core/machine.ts";
import { DRAIN_DIVISOR, DRAIN_ROUNDS, GROWTH_AFTER_QUEUE, LEAST_FOR_QUEUE, StandingQueue } from "./standing-queue.ts";

export class ReceiveAllowance {
  /** To be offered at most, in bytes. */
  bytes: number;
  private readonly capacity: number;
  private readonly queue = new StandingQueue();
  private taken = 0;
  /** Whether a queue ever stood: from then on it grows slowly. */
  private gaveWay = false;
  /** Of the present round: when it began, what came, and the shortest round trip. */
  private began: Millis | undefined;
  private arrived = 0;
  private shortest: Millis = Number.POSITIVE_INFINITY;
  private drainRounds = 0;
  private beforeDrain = 0;

  constructor(capacity: number) {
    this.bytes = Math.min(capacity, FIRST_OFFER);
    this.capacity = capacity;
  }

  /** The application took so many. */
  take(count: number): void {
    this.taken += count;
    if (this.taken < this.bytes) return;
    this.taken = 0;
    if (!this.gaveWay && this.drainRounds === 0) this.bytes = Math.min(2 * this.bytes, this.capacity);
  }

  /** `count` bytes came in order; `rtt`: how old the echoed timestamp is, if there is one. */
  arrive(count: number, rtt: Millis | undefined, now: Millis): void {
    this.arrived += count;
    if (rtt === undefined) return;
    this.began ??= now;
    this.queue.sample(rtt, now);
    this.shortest = Math.min(this.shortest, rtt);
    const elapsed = now - this.began;
    if (elapsed < Math.max(this.shortest, SHORTEST_ROUND_MS)) return;
    // What was on its way at a time.
    this.endRound((this.arrived / elapsed) * this.shortest, now);
    this.began = now;
    this.arrived = 0;
    this.shortest = Number.POSITIVE_INFINITY;
  }

  private endRound(flight: number, now: Millis): void {
    const { queue } = this;
    const share = queue.endRound(now);
    if (this.drainRounds > 0) {
      this.drainRounds -= 1;
      if (this.drainRounds === 0) this.bytes = Math.max(this.bytes, this.beforeDrain);
    } else if (flight < LEAST_FOR_QUEUE) {
      // Echoes are old when little comes, and say nothing about the path.
      queue.takeDrain();
    } else if (queue.takeDrain()) {
      this.beforeDrain = this.bytes;
      this.bytes = Math.floor(flight / DRAIN_DIVISOR);
      this.drainRounds = DRAIN_ROUNDS;
    } else if (share !== undefined && share < 1) {
      this.gaveWay = true;
      this.bytes = Math.min(this.bytes, Math.max(Math.floor(flight * share), LEAST_FOR_QUEUE));
    } else if (share === 1 && this.gaveWay && flight * 2 >= this.bytes) {
      this.bytes = Math.min(Math.floor(this.bytes * GROWTH_AFTER_QUEUE), this.capacity);
    }
  }
}

/** A reader that does not keep up gets no more than this to hold. */
const FIRST_OFFER = 512 * 1024;
/** Timestamps have whole milliseconds, and what comes in one go is seen at once. */
const SHORTEST_ROUND_MS = 10;
