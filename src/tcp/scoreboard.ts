// What is on its way: stretches of the stream that were sent at the same time and share a fate. Selective
// acknowledgements (RFC 2018) split them, and the estimate of what is in the network follows (RFC 6675, "pipe").
// There is no record per segment: whatever is sent again is cut anew, to the segment size of that time.
import type { Millis } from "../core/machine.ts";
import type { Delivery } from "./delivery.ts";

export interface Run {
  start: number;
  end: number;
  /** The latest transmission, and its place among all of them: many happen at one time. */
  sentAt: Millis;
  batch: number;
  retransmitted: boolean;
  sacked: boolean;
  /** Thought lost, and not sent again since. */
  lost: boolean;
  next: Run | undefined;
}

export class Scoreboard {
  /** The oldest run; all of them follow each other without gaps. */
  head: Run | undefined;
  /** Bytes that are neither selectively acknowledged nor thought lost. */
  inNetwork = 0;
  sackedBytes = 0;
  lostBytes = 0;
  private tail: Run | undefined;
  private runs = 0;
  private batches = 0;
  /** What was sent last, if that may go on in the same batch. */
  private latest: Run | undefined;

  /** The run that was sent for the first time last. */
  get last(): Run | undefined {
    return this.tail;
  }

  get count(): number {
    return this.runs;
  }

  /** New data, which continues what was sent before. */
  sent(start: number, end: number, now: Millis): void {
    this.inNetwork += end - start;
    const { tail } = this;
    if (tail !== undefined && this.mayExtend(tail, now)) {
      tail.end = end;
      tail.sentAt = now;
      if (tail !== this.latest) tail.batch = this.nextBatch();
    } else {
      const fresh = { retransmitted: false, sacked: false, lost: false, next: undefined };
      const run = { start, end, sentAt: now, batch: this.nextBatch(), ...fresh };
      if (tail === undefined) this.head = run;
      else tail.next = run;
      this.tail = run;
      this.runs += 1;
    }
    this.latest = this.tail;
  }

  /** [start, end) was sent again; it lies within one run. */
  resent(start: number, end: number, now: Millis): void {
    let before: Run | undefined;
    let run = this.head as Run;
    while (run.end <= start) {
      before = run;
      run = run.next as Run;
    }
    if (run.start < start) {
      before = run;
      run = this.split(run, start);
    }
    if (run.end > end) this.split(run, end);
    if (run.lost) {
      run.lost = false;
      this.lostBytes -= run.end - run.start;
      this.inNetwork += run.end - run.start;
    }
    run.retransmitted = true;
    run.sentAt = now;
    const continues = before !== undefined && before === this.latest && before.retransmitted && before.sentAt === now;
    if (before !== undefined && continues) this.absorbNext(before);
    else {
      run.batch = this.nextBatch();
      this.latest = run;
    }
  }

  /** Everything before `position` has arrived. */
  acknowledge(position: number, delivery: Delivery): void {
    while (this.head !== undefined && this.head.start < position) {
      const run = this.head;
      const end = Math.min(run.end, position);
      this.forget(run, end - run.start);
      if (!run.sacked) delivery.add(run, end, end - run.start);
      run.start = end;
      if (run.start < run.end) return;
      this.head = run.next;
      this.runs -= 1;
      if (this.head === undefined) this.tail = undefined;
    }
  }

  /** [left, right) has arrived. The peer decides about the edges, so the number of runs that it may cause is bounded. */
  sack(left: number, right: number, delivery: Delivery): void {
    let before: Run | undefined;
    let run = this.head;
    while (run !== undefined && run.start <= right) {
      if (!run.sacked && run.end > left && run.start < right) {
        if ((run.start < left || run.end > right) && this.runs >= MAX_RUNS) return;
        if (run.start < left) {
          before = run;
          run = this.split(run, left);
        }
        if (run.end > right) this.split(run, right);
        this.markSacked(run, delivery);
      }
      if (before?.sacked && run.sacked) {
        this.absorbNext(before);
        run = before;
      }
      before = run;
      run = run.next;
    }
  }

  markLost(run: Run): void {
    const length = run.end - run.start;
    run.lost = true;
    this.lostBytes += length;
    this.inNetwork -= length;
  }

  /** The first `length` bytes and no more, for a peer that tells of nothing but them. */
  markHeadLost(length: number): void {
    const { head } = this;
    if (head === undefined || head.lost || head.sacked) return;
    if (head.end - head.start > length) this.split(head, head.start + length);
    this.markLost(head);
  }

  /** After a timeout nothing that was sent before is trusted to arrive. */
  markAllLost(): void {
    for (let run = this.head; run !== undefined; run = run.next) {
      if (!run.sacked && !run.lost) this.markLost(run);
    }
  }

  /** The peer took back what it had acknowledged selectively, as RFC 2018 allows it to. */
  forgetSacks(): void {
    for (let run = this.head; run !== undefined; run = run.next) {
      if (!run.sacked) continue;
      const length = run.end - run.start;
      run.sacked = false;
      this.sackedBytes -= length;
      this.inNetwork += length;
    }
  }

  firstLost(): Run | undefined {
    if (this.lostBytes === 0) return undefined;
    let run = this.head;
    while (run !== undefined && !run.lost) run = run.next;
    return run;
  }

  clear(): void {
    this.head = undefined;
    this.tail = undefined;
    this.latest = undefined;
    this.runs = 0;
    this.inNetwork = 0;
    this.sackedBytes = 0;
    this.lostBytes = 0;
  }

  private markSacked(run: Run, delivery: Delivery): void {
    const length = run.end - run.start;
    this.forget(run, length);
    this.sackedBytes += length;
    delivery.add(run, run.end, length);
    run.sacked = true;
    run.lost = false;
  }

  /** What follows directly in one go is one run; with too many of them, whatever follows is. */
  private mayExtend(tail: Run, now: Millis): boolean {
    if (tail.retransmitted || tail.sacked || tail.lost) return false;
    return (tail === this.latest && tail.sentAt === now) || this.runs >= MAX_RUNS;
  }

  private nextBatch(): number {
    this.batches += 1;
    return this.batches;
  }

  /** `length` bytes of the run no longer count as what they counted as. */
  private forget(run: Run, length: number): void {
    if (run.sacked) this.sackedBytes -= length;
    else if (run.lost) this.lostBytes -= length;
    else this.inNetwork -= length;
  }

  /** Returns the second part. */
  private split(run: Run, at: number): Run {
    const rest = { ...run, start: at };
    if (this.latest === run) this.latest = undefined;
    run.end = at;
    run.next = rest;
    if (this.tail === run) this.tail = rest;
    this.runs += 1;
    return rest;
  }

  private absorbNext(run: Run): void {
    const next = run.next as Run;
    run.end = next.end;
    run.next = next.next;
    if (this.tail === next) this.tail = run;
    this.runs -= 1;
  }
}

/** More than there are segments in a full window under loss. At the limit, less is known about what is on its way. */
const MAX_RUNS = 2_048;
