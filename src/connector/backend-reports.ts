// What the operator is told about backends: when one fails and when it answers again, never more than once a minute.
import type { Millis } from "../core/machine.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { BackendFailure } from "./backend.ts";

export class BackendReports {
  /** Services whose backend is said to fail. */
  private readonly failing = new Set<string>();
  /** When a failure was last said: one entry for each service at most. */
  private readonly saidAt = new Map<string, Millis>();

  failed(service: string, reason: BackendFailure, now: Millis): Notice | undefined {
    const saidAt = this.saidAt.get(service);
    if (this.failing.has(service) || (saidAt !== undefined && now < saidAt + QUIET_MS)) return undefined;
    this.failing.add(service);
    this.saidAt.set(service, now);
    return { type: "notice", level: "warn", event: "backend-unavailable", fields: { service, reason } };
  }

  answered(service: string): Notice | undefined {
    if (this.failing.size === 0 || !this.failing.delete(service)) return undefined;
    return { type: "notice", level: "info", event: "backend-available", fields: { service } };
  }
}

const QUIET_MS = 60_000;
