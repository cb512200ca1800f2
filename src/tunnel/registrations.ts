// The services of one uplink and what the relay says about each. An unanswered registration is repeated for ever, a
// refused one slowly, so that whatever was wrong on the other side mends itself here without a restart.
import { Deadlines } from "../core/deadlines.ts";
import type { Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import { type Rate, TokenBucket } from "../core/rate-limiter.ts";
import { NACK_LIMIT, NACK_MALFORMED, NACK_NOT_GRANTED } from "../wire/tunnel.ts";
import type { Notice } from "./peer.ts";

export type RegistrationState = "pending" | "registered" | "denied";

export interface Registration {
  readonly service: string;
  readonly state: RegistrationState;
  /** Why it is denied: a stable reason code. */
  readonly reason: string | undefined;
}

interface Entry extends Registration {
  state: RegistrationState;
  reason: string | undefined;
  /** Sent on this connection since the last answer. */
  unanswered: number;
  /** What was last said in the log about it, so that it is said once. */
  said: string | undefined;
  /** A relay may change its mind as often as it likes, and fills no log with it. */
  readonly notices: TokenBucket;
}

export class Registrations {
  private readonly entries = new Map<string, Entry>();
  private readonly deadlines = new Deadlines<string>();
  private readonly random: () => number;
  private readonly out: Pick<Outbox<Notice>, "push">;

  constructor(services: readonly string[], random: () => number, out: Pick<Outbox<Notice>, "push">) {
    this.random = random;
    this.out = out;
    for (const service of services) {
      const notices = new TokenBucket(NOTICES, 0);
      this.entries.set(service, {
        service,
        state: "pending",
        reason: undefined,
        unanswered: 0,
        said: undefined,
        notices,
      });
    }
  }

  /** A relay knows nothing about a new connection: everything is registered again, at once. */
  connected(now: Millis): void {
    this.disconnected();
    for (const service of this.entries.keys()) this.deadlines.set(service, now);
  }

  disconnected(): void {
    for (const entry of this.entries.values()) {
      entry.state = "pending";
      entry.reason = undefined;
      entry.unanswered = 0;
      this.deadlines.clear(entry.service);
    }
  }

  /** A service whose registration is to be sent now. Call until undefined. */
  takeDue(now: Millis): string | undefined {
    const service = this.deadlines.takeExpired(now);
    if (service === undefined) return undefined;
    const entry = this.entries.get(service)!;
    if (entry.unanswered === QUICK_ATTEMPTS) this.warn(entry, "registration-unanswered", {}, now);
    entry.unanswered++;
    this.deadlines.set(service, now + this.retryDelay(entry));
    return service;
  }

  /** False for a service that is not ours. */
  acknowledged(service: string, now: Millis): boolean {
    const entry = this.entries.get(service);
    if (entry === undefined) return false;
    entry.unanswered = 0;
    this.deadlines.clear(service);
    if (entry.state === "registered") return true;
    entry.state = "registered";
    entry.reason = undefined;
    entry.said = undefined;
    this.say(entry, { type: "notice", level: "info", event: "registered", fields: { service } }, now);
    return true;
  }

  /** False for a service that is not ours. */
  refused(status: number, service: string, now: Millis): boolean {
    const entry = this.entries.get(service) ?? this.unnamed(status, service);
    if (entry === undefined) return false;
    const reason = NACK_REASONS[status] ?? `status-${status}`;
    entry.state = "denied";
    entry.reason = reason;
    entry.unanswered = 0;
    this.deadlines.set(entry.service, now + this.deniedDelay());
    this.warn(entry, "registration-denied", { reason, fix: NACK_FIXES[reason] ?? UNKNOWN_FIX }, now);
    return true;
  }

  deadline(): Millis | undefined {
    return this.deadlines.next();
  }

  get(service: string): Registration | undefined {
    return this.entries.get(service);
  }

  all(): Iterable<Registration> {
    return this.entries.values();
  }

  private retryDelay(entry: Entry): Millis {
    if (entry.state === "denied") return this.deniedDelay();
    const doublings = entry.unanswered - QUICK_ATTEMPTS;
    if (doublings <= 0) return RETRY_MS;
    return Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** doublings) * (1 - RETRY_JITTER * this.random());
  }

  private deniedDelay(): Millis {
    return DENIED_MIN_MS + this.random() * (DENIED_MAX_MS - DENIED_MIN_MS);
  }

  /** A NACK without an id can be attributed only where there is nothing to choose. */
  private unnamed(status: number, service: string): Entry | undefined {
    if (status !== NACK_MALFORMED || service !== "" || this.entries.size !== 1) return undefined;
    return this.entries.values().next().value;
  }

  /** Each thing once, until something else has been said or the service was registered. */
  private warn(entry: Entry, event: string, fields: Readonly<Record<string, string>>, now: Millis): void {
    const saying = `${event} ${entry.reason ?? ""}`;
    if (entry.said === saying) return;
    entry.said = saying;
    this.say(entry, { type: "notice", level: "warn", event, fields: { service: entry.service, ...fields } }, now);
  }

  private say(entry: Entry, notice: Notice, now: Millis): void {
    if (entry.notices.allow(now)) this.out.push(notice);
  }
}

/** 2 s apart, as many as the reference sends in all; then twice as long each time. */
const QUICK_ATTEMPTS = 3;
const RETRY_MS = 2000;
const MAX_RETRY_MS = 30_000;
const RETRY_JITTER = 0.25;
const DENIED_MIN_MS = 30_000;
const DENIED_MAX_MS = 60_000;

const NOTICES: Rate = { perSecond: 0.2, burst: 20 };

const NACK_REASONS: Readonly<Record<number, string>> = {
  [NACK_MALFORMED]: "malformed",
  [NACK_NOT_GRANTED]: "not-granted",
  [NACK_LIMIT]: "limit",
};

const UNKNOWN_FIX = "Ask the operator of the relay.";
const NACK_FIXES: Readonly<Record<string, string>> = {
  malformed: "The relay did not understand the service id: use a shorter or simpler one.",
  "not-granted":
    "The certificate does not grant this service in this role: issue one that names it (ztna certs issue).",
  limit: "The relay's limit of registrations is reached: raise it there or register fewer services.",
};
