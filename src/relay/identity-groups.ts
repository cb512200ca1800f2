// Which connections belong to one identity: several processes may share a certificate, and a reconnected client has an
// older connection that nobody closed.
import type { Session } from "./session.ts";

export class IdentityGroups {
  private readonly groups = new Map<string, Group>();

  add(session: Session): void {
    const known = this.groups.get(session.identityKey);
    if (known === undefined) this.groups.set(session.identityKey, { sessions: new Set([session]), registrations: 0 });
    else known.sessions.add(session);
  }

  /** Its registrations end with it. */
  remove(session: Session): void {
    const group = this.groups.get(session.identityKey);
    if (group === undefined || !group.sessions.delete(session)) return;
    group.registrations -= session.uses.length + session.servings.length;
    if (group.sessions.size === 0) this.groups.delete(session.identityKey);
  }

  registrations(session: Session): number {
    return this.groups.get(session.identityKey)?.registrations ?? 0;
  }

  registered(session: Session, change: 1 | -1): void {
    const group = this.groups.get(session.identityKey);
    if (group !== undefined) group.registrations += change;
  }

  /** Other connections of its identity, oldest first; no more than a fixed number, however many there are. */
  *others(session: Session): IterableIterator<Session> {
    let looked = 0;
    for (const other of this.groups.get(session.identityKey)?.sessions ?? []) {
      looked += 1;
      if (looked > MAX_LOOKED_AT) return;
      if (other !== session) yield other;
    }
  }
}

interface Group {
  /** In the order in which they connected. */
  readonly sessions: Set<Session>;
  registrations: number;
}

const MAX_LOOKED_AT = 64;
