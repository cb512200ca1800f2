// Acknowledgements in answer to what looks forged or stale (RFC 5961): they let a peer that means it prove so. Few,
// because nobody must make us send many, and because two confused ends must not keep answering each other.
import type { Millis } from "../core/machine.ts";
import { TokenBucket } from "../core/rate-limiter.ts";
import type { TcpStats } from "./stats.ts";

export class Challenges {
  private readonly stats: TcpStats;
  /** Only made when it is needed: most connections never see anything odd. */
  private bucket: TokenBucket | undefined;

  constructor(stats: TcpStats) {
    this.stats = stats;
  }

  allow(now: Millis): boolean {
    this.bucket ??= new TokenBucket(TEN_IN_FIVE_SECONDS, now);
    const allowed = this.bucket.allow(now);
    if (allowed) this.stats.challenges += 1;
    else this.stats.challengesSuppressed += 1;
    return allowed;
  }
}

/** As RFC 5961 section 7 suggests. */
const TEN_IN_FIVE_SECONDS = { perSecond: 2, burst: 10 };
