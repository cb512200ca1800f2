// What the operator is told about backends: when one fails and when it answers again, never more than once a minute.
import type { Millis } from "../core/machine.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { BackendFailure } from "./backend.ts";

export class BackendReports {
  /** Services whose backend fails, and why it did last. */
  private readonly failing = new Map<string, BackendFailure>();
  /** Those of them of which that is said. */
  private readonly said = new Set<string>();
  /** When a failure was last said: one entry for each service at most. */
  private readonly saidAt = new Map<string, Millis>();

  failed(service: string, reason: BackendFailure, now: Millis): Notice | undefined {
    this.failing.set(service, reason);
    const saidAt = this.saidAt.get(service);
    if (this.said.has(service) || (saidAt !== undefined && now < saidAt + QUIET_MS)) return undefined;
    this.said.add(service);
    this.saidAt.set(service, now);
    return { type: "notice", level: "warn", event: "backend-unavailable", fields: { service, reason } };
  }

  answered(service: string): Notice | undefined {
    if (this.failing.size === 0 || !this.failing.delete(service) || !this.said.delete(service)) return undefined;
    return { type: "notice", level: "info", event: "backend-available", fields: { service } };
  }

  /** Why the service's backend failed last; undefined when it has answered since, or was never asked. */
  failure(service: string): BackendFailure | undefined {
    return this.failing.get(service);
  }
}

const QUIET_MS = 60_000;
