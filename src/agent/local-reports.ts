// What the operator is told about connections that led nowhere: each reason of each service once a minute.
import type { Millis } from "../core/machine.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { LocalRefusal } from "./local-stats.ts";

export class LocalReports {
  /** When each thing was last said: as many as there are services and reasons. */
  private readonly saidAt = new Map<string, Millis>();

  /** `service` is undefined where none was named. `detail` is the relay's reason for a denial. */
  refused(
    service: string | undefined,
    reason: LocalRefusal,
    detail: string | undefined,
    now: Millis,
  ): Notice | undefined {
    if (QUIET.has(reason)) return undefined;
    const key = `${reason} ${service ?? ""}`;
    const last = this.saidAt.get(key);
    if (last !== undefined && now < last + QUIET_MS) return undefined;
    this.saidAt.set(key, now);
    const fields = {
      ...(service === undefined ? {} : { service }),
      reason,
      ...(detail === undefined ? {} : { detail }),
    };
    return { type: "notice", level: "warn", event: "local-connection-refused", fields };
  }
}

/** What a program does to itself. */
const QUIET: ReadonlySet<LocalRefusal> = new Set(["abandoned"]);
const QUIET_MS = 60_000;
