// Which peers still answer. A peer that was sent something and stays quiet is pinged; without an answer it is silent,
// and its traffic goes elsewhere until it is heard again. The connection itself stays until QUIC gives it up.
import { Deadlines } from "../core/deadlines.ts";
import type { Millis } from "../core/machine.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";
import type { RelayStats } from "./stats.ts";

export class Presence {
  private readonly outputs: Outputs;
  private readonly stats: RelayStats;
  /** Told when a peer falls silent, and when one that was silent or asked for a sign of life is heard. */
  private readonly changed: (session: Session, now: Millis) => void;
  private readonly wakes = new Deadlines<Session>();

  constructor(outputs: Outputs, stats: RelayStats, changed: (session: Session, now: Millis) => void) {
    this.outputs = outputs;
    this.stats = stats;
    this.changed = changed;
  }

  /** Something authenticated came from it. Runs for every datagram. */
  heard(session: Session, now: Millis): void {
    session.heardAt = now;
    session.liveness.heard(now);
    if (session.probedAt === undefined && !session.silent) return;
    session.probedAt = undefined;
    session.silent = false;
    this.changed(session, now);
  }

  /** A datagram was sent to it. Runs for every datagram: a wake-up that comes too early is moved when it comes. */
  sent(session: Session, now: Millis): void {
    session.liveness.sent(now);
    if (session.wakeAt === undefined) this.arm(session);
  }

  /** Asks for a sign of life at once: it has a second to give one. */
  probe(session: Session, now: Millis): void {
    if (session.silent || session.probedAt !== undefined) return;
    session.probedAt = now;
    this.ping(session);
    this.arm(session);
  }

  forget(session: Session): void {
    this.wakes.clear(session);
    session.wakeAt = undefined;
  }

  expire(now: Millis): void {
    for (;;) {
      const session = this.wakes.takeExpired(now);
      if (session === undefined) return;
      session.wakeAt = undefined;
      const verdict = session.liveness.check(now);
      if (verdict === "ping") this.ping(session);
      if (verdict === "dead" || hasFailedProbe(session, now)) this.silence(session, now);
      this.arm(session);
    }
  }

  deadline(): Millis | undefined {
    return this.wakes.next();
  }

  private silence(session: Session, now: Millis): void {
    session.probedAt = undefined;
    if (session.silent) return;
    session.silent = true;
    this.stats.peersSilent += 1;
    this.changed(session, now);
  }

  private ping(session: Session): void {
    this.stats.pings += 1;
    this.outputs.ping(session.peer);
  }

  private arm(session: Session): void {
    const probe = session.probedAt === undefined ? undefined : session.probedAt + PROBE_MS;
    const liveness = session.liveness.deadline();
    const at = probe === undefined || (liveness !== undefined && liveness < probe) ? liveness : probe;
    if (at === undefined || (session.wakeAt !== undefined && session.wakeAt <= at)) return;
    session.wakeAt = at;
    this.wakes.set(session, at);
  }
}

function hasFailedProbe(session: Session, now: Millis): boolean {
  return session.probedAt !== undefined && session.probedAt + PROBE_MS <= now;
}

/** How long a connection has to answer when a newer one claims its place. */
const PROBE_MS = 1000;
