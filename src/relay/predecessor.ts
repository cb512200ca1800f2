// Which address a new connection most likely had before. Several hosts may share a certificate and an inner address, and all
// of them come back after an outage: each finds its own flows by where it comes from. A client dials again from the same
// socket, so that behind a NAT, too, host and port tell it from the others.
import type { Ipv4, SocketAddress } from "../wire/address.ts";
import type { AgentAddress } from "./agent-addresses.ts";
import type { Session } from "./session.ts";

/**
 * The older connection of an identity that has said nothing since the newer one came, which may be its successor: one
 * whose agent has closed it is known to be gone only after everything else that came with the close was looked at.
 */
export function isDoubtful(holder: Session, newcomer: Session): boolean {
  return holder.heardAt <= newcomer.connectedAt;
}

/** Otherwise nobody has the address who would miss it. */
export function isPresent(owner: Session | undefined): owner is Session {
  return owner !== undefined && !owner.silent;
}

export function mayPassTo(newcomer: Session, source: Ipv4, { owner, inner, identityKey }: AgentAddress): boolean {
  if (inner !== source || identityKey !== newcomer.identityKey) return false;
  return !isPresent(owner) || isDoubtful(owner, newcomer);
}

/** Whether `entry` is more likely than `other` that of a client at `endpoint`. Those that nobody has win a tie. */
export function isLikelier(entry: AgentAddress, other: AgentAddress, endpoint: SocketAddress): boolean {
  const difference = likeness(entry, endpoint) - likeness(other, endpoint);
  if (difference !== 0) return difference > 0;
  return quietSince(entry) < quietSince(other);
}

function likeness({ owner, endpoint }: AgentAddress, { host, port }: SocketAddress): 0 | 1 | 2 {
  const last = owner?.address ?? endpoint;
  if (last.host !== host) return 0;
  return last.port === port ? 2 : 1;
}

function quietSince({ owner }: AgentAddress): number {
  return isPresent(owner) ? owner.heardAt : Number.NEGATIVE_INFINITY;
}
