// What a daemon holds against itself: an event loop that hangs, and memory without bound. A supervisor starts it again.
import { openLibc } from "../runtime/libc.ts";
import type { Log } from "../runtime/log.ts";
import { MemoryCeiling } from "../runtime/memory-ceiling.ts";
import { Watchdog } from "../runtime/watchdog.ts";
import { EXIT } from "./errors.ts";

/** Why a daemon drains. */
export type EndReason = NodeJS.Signals | "memory-ceiling";

export interface ProcessGuard {
  /** Resolves when the process is larger than it may be. */
  readonly exceeded: Promise<EndReason>;
  close(): void;
}

/** `maxMemory` in MiB of resident memory; 0: any. To be closed when nothing is left to end in good order. */
export function guardProcess({ maxMemory }: { readonly maxMemory: number }, log: Log): ProcessGuard {
  const { promise, resolve } = Promise.withResolvers<EndReason>();
  const watchdog = new Watchdog(openLibc());
  const ceiling = new MemoryCeiling({
    limitBytes: maxMemory * MIB,
    exceeded: (resident) => {
      log.line("error", "memory-ceiling", { resident_mib: Math.ceil(resident / MIB), max_memory: maxMemory });
      resolve("memory-ceiling");
    },
  });
  return {
    exceeded: promise,
    close() {
      ceiling.close();
      watchdog.close();
    },
  };
}

/** The status of a daemon that drained: a supervisor that restarts only what failed must restart what grew too large. */
export function statusOf(reason: EndReason): number {
  return reason === "memory-ceiling" ? EXIT.failed : EXIT.done;
}

const MIB = 1024 * 1024;
