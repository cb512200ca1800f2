// One connection as the relay knows it: who it is, what it registered, how it is doing.
import type { Millis } from "../core/machine.ts";
import { type Rate, TokenBucket } from "../core/rate-limiter.ts";
import type { Anonymous, Identity } from "../identity/identity.ts";
import { Liveness } from "../tunnel/liveness.ts";
import type { PeerId } from "../tunnel/peer.ts";
import type { Ipv4, SocketAddress } from "../wire/address.ts";
import { routedServiceEquals } from "../wire/tunnel.ts";
import type { AgentAddress } from "./agent-addresses.ts";
import type { RelayLimits } from "./options.ts";
import type { Serving, Use } from "./registry.ts";

export class Session {
  readonly peer: PeerId;
  readonly identity: Identity | Anonymous;
  /** Equal for connections of the same identity: the certificate's key, or the address where there is none. */
  readonly identityKey: string;
  readonly connectedAt: Millis;
  connected = true;
  address: SocketAddress;
  /** The observed address could not be sent yet. */
  owesAddress = false;
  maxDatagram: number;

  /** What it uses as agent and serves as connector. */
  readonly uses: Use[] = [];
  readonly servings: Serving[] = [];

  readonly liveness = new Liveness();
  heardAt: Millis;
  /** When it was asked for a sign of life that it has not given yet. */
  probedAt: Millis | undefined;
  /** It did not answer: its traffic goes elsewhere until it is heard again. */
  silent = false;
  /** When presence.ts looks at it next. */
  wakeAt: Millis | undefined;

  /** Its agent addresses, and the one of the latest packet. */
  readonly addresses: AgentAddress[] = [];
  lastAddress: AgentAddress | undefined;

  registrationRate: TokenBucket;
  datagramRate: TokenBucket | undefined;
  byteRate: TokenBucket | undefined;
  answerRate: TokenBucket;
  /** A client that repeats a refused registration for ever is logged now and then. */
  readonly denialNoticeRate: TokenBucket;

  private lastUse: Use | undefined;
  /** Which service an inner destination belongs to, for raw packets of an agent of several services. */
  private destinations: Map<Ipv4, Use> | undefined;

  constructor(
    connection: { peer: PeerId; identity: Identity | Anonymous; address: SocketAddress; maxDatagram: number },
    limits: RelayLimits,
    now: Millis,
  ) {
    this.peer = connection.peer;
    this.identity = connection.identity;
    this.identityKey = identityKey(connection.identity, connection.address);
    this.address = connection.address;
    this.maxDatagram = connection.maxDatagram;
    this.connectedAt = now;
    this.heardAt = now;
    this.registrationRate = new TokenBucket(limits.registrations, now);
    this.datagramRate = limits.datagrams && new TokenBucket(limits.datagrams, now);
    this.byteRate = limits.bytes && new TokenBucket(limits.bytes, now);
    this.answerRate = new TokenBucket(limits.answers, now);
    this.denialNoticeRate = new TokenBucket(DENIAL_NOTICES, now);
  }

  /** The largest datagram that it sends to us: as a rule as large as what we send to it. */
  get maxDatagramFromPeer(): number {
    return this.maxDatagram === TO_REFERENCE_AGENT ? FROM_REFERENCE_AGENT : this.maxDatagram;
  }

  /** For the log. */
  get name(): string {
    return this.identity.kind === "certificate" ? this.identity.name : "anonymous";
  }

  /** New rates apply at once, with full buckets. */
  limit(limits: RelayLimits, now: Millis): void {
    this.registrationRate = new TokenBucket(limits.registrations, now);
    this.datagramRate = limits.datagrams && new TokenBucket(limits.datagrams, now);
    this.byteRate = limits.bytes && new TokenBucket(limits.bytes, now);
    this.answerRate = new TokenBucket(limits.answers, now);
  }

  /** What a routed datagram is for; compares bytes, because this runs for every packet. */
  useNamedIn(routed: Uint8Array): Use | undefined {
    const last = this.lastUse;
    if (last !== undefined && routedServiceEquals(routed, last.service.id)) return last;
    for (const use of this.uses) {
      if (!routedServiceEquals(routed, use.service.id)) continue;
      this.lastUse = use;
      return use;
    }
    return undefined;
  }

  useAt(destination: Ipv4): Use | undefined {
    return this.destinations?.get(destination);
  }

  /** Only an agent of several services can be in doubt later. */
  rememberDestination(destination: Ipv4, use: Use): void {
    if (this.uses.length < 2) return;
    this.destinations ??= new Map();
    const { destinations } = this;
    if (destinations.get(destination) === use) return;
    destinations.delete(destination);
    if (destinations.size >= MAX_DESTINATIONS) {
      const oldest = destinations.keys().next();
      if (oldest.done !== true) destinations.delete(oldest.value);
    }
    destinations.set(destination, use);
  }
}

function identityKey(identity: Identity | Anonymous, address: SocketAddress): string {
  return identity.kind === "certificate" ? identity.id : `anonymous ${address.host}`;
}

const MAX_DESTINATIONS = 256;
const DENIAL_NOTICES: Rate = { perSecond: 1 / 300, burst: 5 };

/**
 * The reference's agent alone has connection ids of 16 bytes, hence this limit towards it. It sends packets of 1200 bytes
 * and throws away without a word what does not fit, though its interface takes more.
 */
const TO_REFERENCE_AGENT = 1310;
const FROM_REFERENCE_AGENT = 1156;
