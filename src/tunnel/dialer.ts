// When a client role dials its relay. Attempts overlap: a new one starts every second whatever became of the last, so
// that the way back does not depend on how long a silent relay is waited for. The first to connect wins.
import { earlier, type Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import type { Dial, PeerCommand, PeerId } from "./peer.ts";

interface Attempt {
  readonly dial: number;
  readonly giveUpAt: Millis;
  /** Known once the relay's name is resolved. */
  peer: PeerId | undefined;
}

export interface DialerOptions {
  /** Numbers an attempt; unique in the process. */
  readonly nextDial: () => number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

export class Dialer {
  private readonly options: DialerOptions;
  private readonly out: Pick<Outbox<Dial | PeerCommand>, "push">;
  private readonly attempts: Attempt[] = [];
  /** undefined: no attempt is wanted. */
  private nextAt: Millis | undefined;
  /** No attempt starts before, whatever happens: attempts that fail at once must not become a flood. */
  private notBefore: Millis = 0;
  /** The first attempt since things last worked. */
  private troubleSince: Millis | undefined;
  started = 0;

  constructor(options: DialerOptions, out: Pick<Outbox<Dial | PeerCommand>, "push">) {
    this.options = options;
    this.out = out;
  }

  /** Start attempts from `at` on, until one has won or they are cancelled. */
  want(at: Millis): void {
    this.nextAt ??= Math.max(at, this.notBefore);
  }

  get wanted(): boolean {
    return this.nextAt !== undefined;
  }

  timeout(now: Millis): void {
    while (this.attempts[0] !== undefined && now >= this.attempts[0].giveUpAt) this.abandonOldest();
    if (this.nextAt === undefined || now < this.nextAt) return;
    if (this.attempts.length >= MAX_ATTEMPTS) this.abandonOldest();
    this.troubleSince ??= now;
    const interval = now - this.troubleSince < EAGER_MS ? EAGER_INTERVAL_MS : PATIENT_INTERVAL_MS;
    this.notBefore = now + interval * (1 - JITTER * this.options.random());
    this.nextAt = this.notBefore;
    this.started++;
    const dial = this.options.nextDial();
    this.attempts.push({ dial, giveUpAt: now + ATTEMPT_MS, peer: undefined });
    this.out.push({ type: "dial", dial });
  }

  deadline(): Millis | undefined {
    const oldest = this.attempts[0];
    if (oldest === undefined) return this.nextAt;
    return earlier(oldest.giveUpAt, this.nextAt);
  }

  expects(dial: number): boolean {
    return this.attempts.some((attempt) => attempt.dial === dial);
  }

  owns(peer: PeerId): boolean {
    return this.attempts.some((attempt) => attempt.peer === peer);
  }

  dialing(dial: number, peer: PeerId): void {
    const attempt = this.attempts.find((candidate) => candidate.dial === dial);
    if (attempt === undefined) this.close(peer);
    else attempt.peer = peer;
  }

  /** The name could not be resolved. */
  unresolved(dial: number): boolean {
    return this.remove((attempt) => attempt.dial === dial);
  }

  failed(peer: PeerId): boolean {
    return this.remove((attempt) => attempt.peer === peer);
  }

  /** This peer is connected. True if it is one of ours: the others are closed. */
  won(peer: PeerId): boolean {
    if (!this.failed(peer)) return false;
    this.cancel();
    return true;
  }

  /** No attempt is wanted any more. */
  cancel(): void {
    this.nextAt = undefined;
    while (this.attempts.length > 0) this.abandonOldest();
  }

  /** The relay does what it is for: the next trouble starts with eager attempts again. */
  settled(): void {
    this.troubleSince = undefined;
  }

  private abandonOldest(): void {
    const attempt = this.attempts.shift();
    if (attempt?.peer !== undefined) this.close(attempt.peer);
  }

  private remove(matches: (attempt: Attempt) => boolean): boolean {
    const index = this.attempts.findIndex(matches);
    if (index < 0) return false;
    this.attempts.splice(index, 1);
    return true;
  }

  private close(peer: PeerId): void {
    this.out.push({ type: "close", peer, layer: "application", code: 0, reason: "superseded" });
  }
}

const ATTEMPT_MS = 5000;
const MAX_ATTEMPTS = 4;
const EAGER_MS = 60_000;
const EAGER_INTERVAL_MS = 1000;
const PATIENT_INTERVAL_MS = 5000;
/** Attempts are at most an interval apart, and at least three quarters of one. */
const JITTER = 0.25;
