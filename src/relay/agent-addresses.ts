// One unique inner source address for each agent connection and inner source: agents choose their own addresses, and
// most choose the same. A reply's destination then names the agent, without a table of flows. First owner keeps an
// address; when the owner is gone it is kept free for the same identity and source, which come back to their flows.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4, SocketAddress } from "../wire/address.ts";
import { candidateAddress, NEIGHBOURS, SCATTERED } from "./address-choice.ts";
import { isDoubtful, isLikelier, isPresent, mayPassTo } from "./predecessor.ts";
import type { Serving, Use } from "./registry.ts";
import type { Session } from "./session.ts";

export interface AgentAddress {
  readonly address: Ipv4;
  /** What the agent itself calls it, and whose it is: only the same two together get it again. */
  readonly inner: Ipv4;
  readonly identityKey: string;
  owner: Session | undefined;
  /** Where its owner is, or was when it left. */
  endpoint: SocketAddress;
  usedAt: Millis;
  /** New packets leave from another address of the same source; replies to this one still arrive. */
  retired: boolean;
  /** The address that its owner would rather have: an older connection of its identity may still be using that. */
  contested: AgentAddress | undefined;
  /** The newest address whose owner would rather have this one, and gets it when the present owner is gone or silent. */
  challenger: AgentAddress | undefined;
  /** Its TCP connections that were opened while it was contested, by source port; see interim-flows.ts. */
  opened: Set<number> | undefined;
  /** What its owner had until it won this address. */
  interim: AgentAddress | undefined;
  /** The registration that last allowed a connector to send to it. */
  voucher: Serving | undefined;
  /** Where the last owner's packets went: to connectors that know its flows, which the next one carries on. */
  bindings: readonly Use[];
}

export type AddressFault = "too-many-addresses" | "addresses-exhausted";

export interface AddressLimits {
  readonly addresses: number;
  readonly addressesPerConnection: number;
}

export class AgentAddresses {
  limits: AddressLimits;
  private readonly byAddress = new Map<Ipv4, AgentAddress>();
  /** Those without an owner; limited with all others. */
  private readonly kept: ExpiringMap<Ipv4, AgentAddress>;
  /** How many each identity owns. */
  private readonly owned = new Map<string, number>();
  private readonly ask: (holder: Session, now: Millis) => void;
  private salt = 0;

  /** `ask` makes a connection give a sign of life. */
  constructor(limits: AddressLimits, ask: (holder: Session, now: Millis) => void) {
    this.limits = limits;
    this.ask = ask;
    this.kept = new ExpiringMap({ limit: Number.MAX_SAFE_INTEGER, idleMs: KEPT_MS });
  }

  /** Owned and kept ones. */
  get size(): number {
    return this.byAddress.size;
  }

  at(address: Ipv4): AgentAddress | undefined {
    return this.byAddress.get(address);
  }

  /** The address from which packets of this source go out now. */
  ofSource(session: Session, inner: Ipv4, now: Millis): AgentAddress | AddressFault {
    const last = session.lastAddress;
    const known = last !== undefined && last.inner === inner ? last : currentOf(session, inner);
    const found = known ?? this.allocate(session, inner, now);
    if (typeof found === "string") return found;
    const settled = found.contested === undefined ? found : this.settle(found, found.contested, session);
    settled.usedAt = now;
    session.lastAddress = settled;
    return settled;
  }

  /** The connection is gone. */
  release(session: Session, now: Millis): void {
    for (const entry of [...session.addresses]) this.giveUp(entry, session, now);
  }

  /** The connection does not answer. */
  silenced(session: Session): void {
    for (const entry of [...session.addresses]) this.passOn(entry, session);
  }

  expire(now: Millis): void {
    for (;;) {
      const lapsed = this.kept.takeExpired(now);
      if (lapsed === undefined) return;
      this.byAddress.delete(lapsed[0]);
    }
  }

  deadline(): Millis | undefined {
    return this.kept.next();
  }

  private allocate(session: Session, inner: Ipv4, now: Millis): AgentAddress | AddressFault {
    if (!this.makeRoomInSession(session, now)) return "too-many-addresses";
    if (this.hasItsShare(session.identityKey)) return "addresses-exhausted";
    const { former, free } = this.lookAround(session, inner);
    if (former !== undefined && !isPresent(former.owner)) return this.take(former, session);
    const address = free ?? this.scatter(session, inner);
    if (address === undefined || !this.makeRoom()) return "addresses-exhausted";
    const entry: AgentAddress = {
      address,
      inner,
      identityKey: session.identityKey,
      owner: session,
      endpoint: session.address,
      usedAt: now,
      retired: false,
      contested: former,
      challenger: undefined,
      opened: undefined,
      interim: undefined,
      voucher: undefined,
      bindings: [],
    };
    this.byAddress.set(address, entry);
    session.addresses.push(entry);
    this.count(entry, 1);
    if (former?.owner !== undefined) {
      former.challenger = entry;
      this.ask(former.owner, now);
    }
    return entry;
  }

  /** Near the preferred address: the one that the client most likely had before and may have again, and a free one. */
  private lookAround(session: Session, inner: Ipv4) {
    let former: AgentAddress | undefined;
    let free: Ipv4 | undefined;
    for (let attempt = 0; attempt < NEIGHBOURS; attempt += 1) {
      const address = candidateAddress(session.identityKey, inner, 0, attempt);
      const entry = this.byAddress.get(address);
      if (entry === undefined) free ??= address;
      else if (!mayPassTo(session, inner, entry)) continue;
      else if (former === undefined || isLikelier(entry, former, session.address)) former = entry;
    }
    return { former, free };
  }

  private scatter(session: Session, inner: Ipv4): Ipv4 | undefined {
    for (let attempt = NEIGHBOURS; attempt < NEIGHBOURS + SCATTERED; attempt += 1) {
      this.salt += 1;
      const address = candidateAddress(session.identityKey, inner, this.salt, attempt);
      if (!this.byAddress.has(address)) return address;
    }
    return undefined;
  }

  /** Has the older connection given a sign of life? Until that is known both keep what they have. */
  private settle(entry: AgentAddress, wanted: AgentAddress, session: Session): AgentAddress {
    const holder = wanted.owner;
    const isGone = this.byAddress.get(wanted.address) !== wanted;
    if (!isGone && !isPresent(holder)) return this.win(entry, wanted, session);
    if (isGone || !isPresent(holder) || !isDoubtful(holder, session)) {
      entry.contested = undefined;
      entry.opened = undefined;
    }
    return entry;
  }

  /**
   * Its owner is gone or silent. Whoever waits for it gets it now, not with its next packet: a program that only waits
   * for data sends none until some arrives here.
   */
  private passOn(entry: AgentAddress, holder: Session): void {
    const { challenger } = entry;
    entry.challenger = undefined;
    const heir = challenger?.contested === entry ? challenger.owner : undefined;
    if (challenger !== undefined && heir !== undefined && isDoubtful(holder, heir)) this.win(challenger, entry, heir);
  }

  /** The former owner's flows go on where they went; so do the connections that were opened at the interim address. */
  private win(interim: AgentAddress, wanted: AgentAddress, session: Session): AgentAddress {
    interim.contested = undefined;
    interim.retired = true;
    interim.bindings = session.uses.map((use) => use.copy());
    for (const use of session.uses) use.bound = undefined;
    if (session.lastAddress === interim) session.lastAddress = undefined;
    this.take(wanted, session);
    wanted.interim = interim.opened && interim;
    return wanted;
  }

  private take(entry: AgentAddress, session: Session): AgentAddress {
    if (entry.owner === undefined) {
      this.kept.delete(entry.address);
      this.count(entry, 1);
    } else {
      entry.bindings = entry.owner.uses;
      leave(entry, entry.owner);
    }
    entry.owner = session;
    session.addresses.push(entry);
    return entry;
  }

  /** Its address stays reserved for its identity, so that late replies cannot reach somebody else. */
  private giveUp(entry: AgentAddress, session: Session, now: Millis): void {
    entry.endpoint = session.address;
    leave(entry, session);
    this.count(entry, -1);
    entry.bindings = session.uses;
    this.kept.set(entry.address, entry, now);
    this.passOn(entry, session);
  }

  private makeRoomInSession(session: Session, now: Millis): boolean {
    if (session.addresses.length < this.limits.addressesPerConnection) return true;
    const idlest = session.addresses.reduce((a, b) => (b.usedAt < a.usedAt ? b : a));
    if (now - idlest.usedAt < BUSY_MS) return false;
    this.giveUp(idlest, session, now);
    return true;
  }

  /** One identity with many connections must not use up the addresses of all. */
  private hasItsShare(identityKey: string): boolean {
    const share = Math.max(LEAST_SHARE, Math.floor(this.limits.addresses / SHARES));
    return (this.owned.get(identityKey) ?? 0) >= share;
  }

  private count({ identityKey }: AgentAddress, change: 1 | -1): void {
    const owned = (this.owned.get(identityKey) ?? 0) + change;
    if (owned > 0) this.owned.set(identityKey, owned);
    else this.owned.delete(identityKey);
  }

  private makeRoom(): boolean {
    if (this.byAddress.size < this.limits.addresses) return true;
    const oldest = this.kept.oldest();
    if (oldest === undefined) return false;
    this.kept.delete(oldest[0]);
    this.byAddress.delete(oldest[0]);
    return true;
  }
}

function currentOf(session: Session, inner: Ipv4): AgentAddress | undefined {
  return session.addresses.find((entry) => entry.inner === inner && !entry.retired);
}

function leave(entry: AgentAddress, owner: Session): void {
  owner.addresses.splice(owner.addresses.indexOf(entry), 1);
  if (owner.lastAddress === entry) owner.lastAddress = undefined;
  entry.owner = undefined;
  entry.retired = false;
  entry.contested = undefined;
  entry.opened = undefined;
  entry.interim = undefined;
  entry.voucher = undefined;
}

/** An address used within this time is not taken from its connection to make room for another. */
const BUSY_MS = 10_000;
/** How long a connection that ended finds its address again. */
const KEPT_MS = 300_000;
/** An identity may own this part of all addresses, and a few in any case. */
const SHARES = 4;
const LEAST_SHARE = 16;
