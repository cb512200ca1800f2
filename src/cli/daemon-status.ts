// What every daemon tells `ztna status`, and the socket through which it does.
import { version } from "../../package.json";
import { ControlSocket } from "../runtime/control-socket.ts";
import type { Log } from "../runtime/log.ts";
import type { CertificateDate } from "../runtime/metrics-page.ts";
import type { StatusDocument } from "./status-document.ts";

/** Told of one daemon: their names are long enough to fill what a control socket may say. */
export const MAX_SERVICES = 256;

/** What a daemon knows about itself, whatever its role. */
export interface DaemonFacts {
  readonly notReady: string | undefined;
  readonly uptimeSeconds: number;
  readonly dates: readonly CertificateDate[];
  /** Milliseconds since 1970. */
  readonly wallNow: number;
}

/** What is counted at one place of the data path: received = forwarded + Σ dropped, besides what is answered or still waits. */
export interface HopFigures {
  readonly received: number;
  readonly forwarded: number;
  readonly dropped: Readonly<Partial<Record<string, number>>>;
}

export function commonStatus(facts: DaemonFacts, hops: Readonly<Record<string, HopFigures>>) {
  return {
    schema_version: 1 as const,
    pid: process.pid,
    version,
    uptime_seconds: facts.uptimeSeconds,
    not_ready: facts.notReady ?? null,
    hops: Object.entries(hops).map(([hop, { received, forwarded, dropped }]) => ({
      hop,
      received,
      forwarded,
      dropped: { ...dropped } as Record<string, number>,
    })),
    credentials: facts.dates.map(({ certificate, notAfter }) => ({
      certificate,
      not_after: new Date(notAfter).toISOString(),
      days: Math.floor((notAfter - facts.wallNow) / DAY_MS),
    })),
  };
}

/** Undefined when there can be none, which is said: a daemon serves all the same. */
export async function openControl(
  directory: string,
  command: StatusDocument["command"],
  status: () => StatusDocument,
  log: Log,
): Promise<ControlSocket | undefined> {
  try {
    const document = () => JSON.stringify(status());
    return await ControlSocket.open({ directory, name: `${command}-${process.pid}`, document });
  } catch (error) {
    log.line("warn", "no-status", { detail: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

const DAY_MS = 86_400_000;
