// The lines that the relay asks to be logged: names of services and of certificates, never addresses. Their number is
// limited, and what peers without a certificate can cause at will is said at debug only, except a take-over.
import type { Millis } from "../core/machine.ts";
import { type Rate, TokenBucket } from "../core/rate-limiter.ts";
import type { LogLevel } from "../tunnel/peer.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";
import type { RelayStats } from "./stats.ts";

type Fields = Readonly<Record<string, string | number>>;

/** Each kind of line has its own limit, so that one cannot crowd out another; a restart of many clients still fits. */
const RATES = {
  registered: { perSecond: 10, burst: 500 },
  unregistered: { perSecond: 10, burst: 500 },
  "registration-denied": { perSecond: 1, burst: 50 },
  takeover: { perSecond: 1, burst: 50 },
} satisfies Record<string, Rate>;

export type RelayNotice = keyof typeof RATES;

export class Notices {
  private readonly outputs: Outputs;
  private readonly stats: RelayStats;
  private readonly buckets = new Map<RelayNotice, TokenBucket>();

  constructor(outputs: Outputs, stats: RelayStats) {
    this.outputs = outputs;
    this.stats = stats;
  }

  /** About something that only the holder of a certificate may put into the log above debug. */
  about(session: Session, level: LogLevel, event: RelayNotice, fields: Fields, now: Millis): void {
    this.say(session.identity.kind === "certificate" ? level : "debug", event, { ...fields, name: session.name }, now);
  }

  say(level: LogLevel, event: RelayNotice, fields: Fields, now: Millis): void {
    let bucket = this.buckets.get(event);
    if (bucket === undefined) {
      bucket = new TokenBucket(RATES[event], now);
      this.buckets.set(event, bucket);
    }
    if (bucket.allow(now)) this.outputs.notice({ type: "notice", level, event, fields });
    else this.stats.noticesSuppressed += 1;
  }
}
