// What becomes of the connectors of a service when another connection registers for it.
//
//   pool     all serve, agents without a connector go to the newest; an older one of the same identity must give a sign
//            of life or is left out: replicas share a certificate, but so does a process with its predecessor
//   replace  the newest serves, the others wait until it leaves
//   deny     a live connector of another identity stays; otherwise like pool
//
// Peers without a certificate cannot be told apart, so among them the newest always serves.
import type { Millis } from "../core/machine.ts";
import type { TakeoverPolicy } from "./options.ts";
import type { Serving } from "./registry.ts";
import type { Session } from "./session.ts";

export interface Claim {
  /** "wait": until the doubtful have been asked for a sign of life. */
  readonly verdict: "admit" | "refuse" | "wait";
  /** They lose their place to the newcomer. */
  readonly displaced: readonly Serving[];
  /** They must give a sign of life. */
  readonly doubtful: readonly Serving[];
  /** Live connectors of other identities that go on beside the newcomer. */
  readonly shared: readonly Serving[];
}

export function judgeClaim(
  policy: TakeoverPolicy,
  newcomer: Session,
  servings: readonly Serving[],
  now: Millis,
): Claim {
  const displaced: Serving[] = [];
  const doubtful: Serving[] = [];
  const shared: Serving[] = [];
  const unsure: Serving[] = [];
  for (const holder of servings) {
    if (holder.displacedBy !== undefined) continue;
    const { session } = holder;
    if (newestAlwaysServes(policy, newcomer, session)) displaced.push(holder);
    else if (session.identityKey === newcomer.identityKey) doubtful.push(holder);
    else if (policy === "pool") shared.push(holder);
    else if (session.silent) displaced.push(holder);
    else if (now - session.heardAt < FRESH_MS) return { verdict: "refuse", displaced: [], doubtful: [], shared: [] };
    else unsure.push(holder);
  }
  if (unsure.length > 0) return { verdict: "wait", displaced: [], doubtful: unsure, shared: [] };
  return { verdict: "admit", displaced, doubtful, shared: shared.filter((holder) => holder.usable) };
}

function newestAlwaysServes(policy: TakeoverPolicy, newcomer: Session, holder: Session): boolean {
  const nameless = newcomer.identity.kind === "anonymous" && holder.identity.kind === "anonymous";
  return nameless || policy === "replace";
}

/** A connector heard within this time needs no question to be known alive. */
const FRESH_MS = 1000;
