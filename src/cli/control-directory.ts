// Where daemons of this user have their control sockets.
import { join } from "node:path";
import { directory } from "./option-kinds.ts";
import { optional } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export const CONTROL_OPTION = {
  controlDir: optional(directory, {
    help: "directory of the sockets of ztna status, of its owner alone (default /run/ztna for root)",
    group: "Status",
  }),
} as const;

/** root's is the system's; a user has one for each session, or in the directory for temporary files. */
export function controlDirectory(given: string | undefined, { environment }: Terminal): string {
  if (given !== undefined) return given;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return "/run/ztna";
  const session = environment.XDG_RUNTIME_DIR;
  return session ? join(session, "ztna") : `/tmp/ztna-${uid}`;
}
