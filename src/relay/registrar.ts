// Registrations: who may, whether there is room, who takes over from whom, and what each side is told. The answers are
// those of the wire protocol: ACK, or NACK with malformed (1), not granted (2) or limit (3).
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import { type Decision, may } from "../identity/policy.ts";
import {
  encodeAck,
  encodeNack,
  NACK_LIMIT,
  NACK_MALFORMED,
  NACK_NOT_GRANTED,
  parseTunnelDatagram,
} from "../wire/tunnel.ts";
import type { IdentityGroups } from "./identity-groups.ts";
import type { Notices } from "./notices.ts";
import type { RelayOptions } from "./options.ts";
import type { Outputs } from "./outputs.ts";
import type { Presence } from "./presence.ts";
import type { Registry, Service, Serving } from "./registry.ts";
import type { Session } from "./session.ts";
import type { RejectionReason, RelayStats } from "./stats.ts";
import { judgeClaim } from "./takeover.ts";

export interface RegistrarParts {
  readonly registry: Registry;
  readonly groups: IdentityGroups;
  readonly presence: Presence;
  readonly outputs: Outputs;
  readonly notices: Notices;
  readonly stats: RelayStats;
}

export class Registrar {
  options: RelayOptions;
  /** Bounded, because peers choose the names. */
  private readonly denials = new ExpiringMap<string, Denials>({ limit: MAX_DENIALS, idleMs: DENIAL_IDLE_MS });
  private readonly parts: RegistrarParts;

  constructor(options: RelayOptions, parts: RegistrarParts) {
    this.options = options;
    this.parts = parts;
  }

  /** A datagram that begins like a registration. */
  register(session: Session, bytes: Uint8Array, now: Millis): void {
    const { stats, presence, registry } = this.parts;
    stats.registrationRequests += 1;
    const inTime = session.registrationRate.allow(now);
    const request = parseTunnelDatagram(bytes);
    if (request.type !== "registration") return this.reject(session, "malformed", NACK_MALFORMED, "", now);
    const { role, service } = request;
    if (!inTime) return this.reject(session, "rate", NACK_LIMIT, service, now);
    const decision = may(session.identity, role, service, this.options.policy);
    if (!decision.allowed) return this.deny(session, role, service, decision, now);
    if (role === "connector") return this.claim(session, service, now);
    if (!session.uses.some((use) => use.service.name === service)) {
      const full = this.lacksRoom(session, service);
      if (full !== undefined) return this.reject(session, full, NACK_LIMIT, service, now);
      registry.use(session, service);
      this.parts.groups.registered(session, 1);
      this.parts.notices.about(session, "info", "registered", { service, role }, now);
    }
    this.accept(session, service);
    for (const other of this.parts.groups.others(session)) {
      if (other.addresses.length > 0 && now - other.heardAt >= QUIET_MS) presence.probe(other, now);
    }
  }

  /** Somebody fell silent, was heard again, or answered: traffic moves, and whoever waited for that gets an answer. */
  presenceChanged(session: Session, now: Millis): void {
    for (const serving of [...session.servings]) {
      const { challenger } = serving;
      serving.challenger = undefined;
      if (session.silent && challenger !== undefined) this.noteTakeover(challenger, [serving], "silent", now);
      this.refresh(serving.service);
      this.settleWaiting(serving, now);
    }
  }

  disconnected(session: Session, now: Millis): void {
    const { registry, groups, notices } = this.parts;
    const servings = [...session.servings];
    for (const use of session.uses) {
      notices.about(session, "info", "unregistered", { service: use.service.name, role: "agent" }, now);
    }
    groups.remove(session);
    for (const service of registry.leave(session)) {
      notices.about(session, "info", "unregistered", { service: service.name, role: "connector" }, now);
      this.refresh(service);
    }
    for (const serving of servings) this.settleWaiting(serving, now);
  }

  /** Registrations refused lately, by service. */
  deniedByService(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.denials.values(), ({ service, count }) => [service, count]));
  }

  expire(now: Millis): void {
    while (this.denials.takeExpired(now) !== undefined);
  }

  deadline(): Millis | undefined {
    return this.denials.next();
  }

  private claim(session: Session, service: string, now: Millis): void {
    const { registry } = this.parts;
    const known = session.servings.find((serving) => serving.service.name === service);
    if (known !== undefined) {
      if (known.covered) return this.reject(session, "displaced", NACK_NOT_GRANTED, service, now);
      return this.accept(session, service);
    }
    const claim = judgeClaim(this.options.takeover, session, registry.find(service)?.servings ?? [], now);
    if (claim.verdict === "refuse") return this.reject(session, "held", NACK_NOT_GRANTED, service, now);
    if (claim.verdict === "wait") return this.wait(session, service, claim.doubtful, now);
    const full = this.lacksRoom(session, service) ?? this.lacksRoomForConnector(service, claim.displaced, now);
    if (full !== undefined) return this.reject(session, full, NACK_LIMIT, service, now);
    const serving = registry.serve(session, service);
    this.parts.groups.registered(session, 1);
    for (const holder of claim.displaced) holder.displacedBy = serving;
    for (const holder of claim.doubtful) {
      holder.challenger = serving;
      this.parts.presence.probe(holder.session, now);
    }
    this.refresh(serving.service);
    this.accept(session, service);
    this.parts.notices.about(session, "info", "registered", { service, role: "connector" }, now);
    this.noteTakeover(serving, claim.displaced, "displaced", now);
    this.noteTakeover(serving, claim.shared, "shared", now);
  }

  /** It gets its answer when every doubtful holder has given a sign of life or failed to. */
  private wait(session: Session, service: string, doubtful: readonly Serving[], now: Millis): void {
    if (doubtful.some((holder) => holder.waiting.size >= this.options.limits.connectorsPerService)) {
      return this.reject(session, "connectors-per-service", NACK_LIMIT, service, now);
    }
    for (const holder of doubtful) {
      holder.waiting.add(session);
      this.parts.presence.probe(holder.session, now);
    }
  }

  private settleWaiting(serving: Serving, now: Millis): void {
    const waiting = [...serving.waiting];
    serving.waiting.clear();
    for (const session of waiting) if (session.connected) this.claim(session, serving.service.name, now);
  }

  /** Tells those whose traffic a change took away or gave back. */
  private refresh(service: Service): void {
    for (const serving of this.parts.registry.refresh(service)) {
      const answer = serving.covered ? encodeNack(NACK_NOT_GRANTED, service.name) : encodeAck(service.name);
      this.parts.outputs.send(serving.session.peer, answer);
    }
  }

  private lacksRoom(session: Session, service: string): RejectionReason | undefined {
    const { registry, groups } = this.parts;
    const { limits } = this.options;
    if (session.uses.length + session.servings.length >= limits.servicesPerConnection) return "services-per-connection";
    if (groups.registrations(session) >= limits.registrationsPerIdentity) return "registrations-per-identity";
    if (registry.size >= limits.services && registry.find(service) === undefined) return "services";
    return undefined;
  }

  /** A full service drops a connector that gets no traffic, rather than keep a live one out. */
  private lacksRoomForConnector(name: string, displaced: readonly Serving[], now: Millis): RejectionReason | undefined {
    const service = this.parts.registry.find(name);
    if (service === undefined || service.servings.length < this.options.limits.connectorsPerService) return undefined;
    const expendable = service.servings.find((serving) => !serving.usable) ?? displaced[0];
    if (expendable === undefined) return "connectors-per-service";
    this.parts.registry.withdraw(expendable);
    this.parts.groups.registered(expendable.session, -1);
    this.parts.outputs.send(expendable.session.peer, encodeNack(NACK_LIMIT, name));
    this.settleWaiting(expendable, now);
    return undefined;
  }

  private noteTakeover(newcomer: Serving, from: readonly Serving[], how: string, now: Millis): void {
    const [holder] = from;
    if (holder === undefined) return;
    this.parts.stats.takeovers += 1;
    const { service, session } = newcomer;
    const fields = { service: service.name, name: session.name, from: holder.session.name, how };
    this.parts.notices.say("warn", "takeover", fields, now);
  }

  private accept(session: Session, service: string): void {
    this.parts.stats.registrations += 1;
    this.parts.outputs.send(session.peer, encodeAck(service));
  }

  private deny(session: Session, role: string, service: string, decision: Decision, now: Millis): void {
    if (decision.allowed) return;
    const { reason, rule, fix } = decision;
    if (session.denialNoticeRate.allow(now)) {
      this.parts.notices.about(session, "warn", "registration-denied", { service, role, reason, rule, fix }, now);
    }
    this.reject(session, reason, NACK_NOT_GRANTED, service, now);
  }

  private reject(session: Session, reason: RejectionReason, status: number, service: string, now: Millis): void {
    this.parts.stats.rejected[reason] += 1;
    this.parts.outputs.send(session.peer, encodeNack(status, service));
    if (status !== NACK_NOT_GRANTED || reason === "displaced") return;
    const count = (this.denials.peek(service)?.count ?? 0) + 1;
    this.denials.set(service, { service, count }, now);
  }
}

interface Denials {
  readonly service: string;
  readonly count: number;
}

/** An older connection of the same identity heard within this time is not asked whether it is still there. */
const QUIET_MS = 1000;
const MAX_DENIALS = 1024;
const DENIAL_IDLE_MS = 3_600_000;
