// A seeded network in virtual time: links that delay, lose, reorder and duplicate, and hold a bounded number of
// messages. The same seed and the same sends give the same arrivals.
import type { Millis } from "../../src/core/machine.ts";
import { Random } from "./random.ts";

export interface LinkConditions {
  /** Every message takes at least this long. */
  readonly delayMs: Millis;
  /** Added to the delay, evenly spread from 0; messages stay in order. */
  readonly jitterMs: Millis;
  /** Share of messages lost, 0 to 1; 1 cuts the link. */
  readonly loss: number;
  /** Share of messages that arrive twice. */
  readonly duplicate: number;
  /** Share of messages that others may overtake, and how long they are held back at most. */
  readonly reorder: number;
  readonly reorderMs: Millis;
  /** Messages in flight; more are lost. */
  readonly capacity: number;
}

export const PERFECT_LINK: LinkConditions = {
  ...{ delayMs: 0, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0, reorderMs: 0 },
  capacity: 10_000,
};

export interface NetworkOptions<T> {
  readonly seed: number;
  /** Senders only lend their bytes, and receivers change them in place: each arrival is a copy of its own. */
  readonly copy: (message: T) => T;
  readonly conditions?: Partial<LinkConditions>;
}

export interface Arrival<T> {
  readonly link: string;
  readonly message: T;
}

export class Network<T> {
  readonly stats = { sent: 0, arrived: 0, lost: 0, overflowed: 0, duplicated: 0, discarded: 0 };
  private readonly copy: (message: T) => T;
  private readonly random: Random;
  private readonly links = new Map<string, Link>();
  private readonly inFlight: InFlight<T>[] = [];
  private defaults: LinkConditions;

  constructor(options: NetworkOptions<T>) {
    this.copy = options.copy;
    this.random = new Random(options.seed);
    this.defaults = { ...PERFECT_LINK, ...options.conditions };
  }

  /** Changes one link, or what links are like that were not set: for messages sent from now on. */
  setConditions(conditions: Partial<LinkConditions>, link?: string): void {
    if (link === undefined) this.defaults = { ...this.defaults, ...conditions };
    else this.link(link).own = { ...this.conditionsOf(link), ...conditions };
  }

  conditionsOf(link: string): LinkConditions {
    return this.links.get(link)?.own ?? this.defaults;
  }

  /** A link is a name of one direction, for instance "agent>relay". False: it was lost or had no room. */
  send(link: string, message: T, now: Millis): boolean {
    this.stats.sent += 1;
    const conditions = this.conditionsOf(link);
    if (this.random.chance(conditions.loss)) {
      this.stats.lost += 1;
      return false;
    }
    if (!this.launch(link, message, conditions, now)) return false;
    if (this.random.chance(conditions.duplicate) && this.launch(link, message, conditions, now)) {
      this.stats.duplicated += 1;
    }
    return true;
  }

  /** When the next message arrives. */
  next(): Millis | undefined {
    return this.inFlight[0]?.due;
  }

  /** One message that has arrived by `now`, earliest first. Call until undefined. */
  receive(now: Millis): Arrival<T> | undefined {
    const first = this.inFlight[0];
    if (first === undefined || first.due > now) return undefined;
    this.inFlight.shift();
    this.link(first.link).inFlight -= 1;
    this.stats.arrived += 1;
    return { link: first.link, message: first.message };
  }

  /** Forgets what is in flight on a link, as when one of its ends vanishes. */
  discard(link: string): void {
    for (let i = this.inFlight.length - 1; i >= 0; i -= 1) {
      if (this.inFlight[i]?.link !== link) continue;
      this.inFlight.splice(i, 1);
      this.stats.discarded += 1;
    }
    this.link(link).inFlight = 0;
  }

  private launch(name: string, message: T, conditions: LinkConditions, now: Millis): boolean {
    const link = this.link(name);
    if (link.inFlight >= conditions.capacity) {
      this.stats.overflowed += 1;
      return false;
    }
    let due = Math.max(link.lastDue, now + conditions.delayMs + this.random.below(conditions.jitterMs));
    if (this.random.chance(conditions.reorder)) due += this.random.below(conditions.reorderMs);
    else link.lastDue = due;
    link.inFlight += 1;
    this.insert({ due, link: name, message: this.copy(message) });
    return true;
  }

  /** Behind everything that is due at the same time. */
  private insert(message: InFlight<T>): void {
    let at = this.inFlight.length;
    while (at > 0 && (this.inFlight[at - 1] as InFlight<T>).due > message.due) at -= 1;
    this.inFlight.splice(at, 0, message);
  }

  private link(name: string): Link {
    let link = this.links.get(name);
    if (link === undefined) {
      link = { own: undefined, inFlight: 0, lastDue: Number.NEGATIVE_INFINITY };
      this.links.set(name, link);
    }
    return link;
  }
}

interface Link {
  own: LinkConditions | undefined;
  inFlight: number;
  lastDue: Millis;
}

interface InFlight<T> {
  readonly due: Millis;
  readonly link: string;
  readonly message: T;
}
