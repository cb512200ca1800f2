// Runs a role that dials a relay, from its settings to its exit code; or only checks what it would start with.
import { clientConfig } from "../quic/settings.ts";
import { type ClientCredentials, quicSettings } from "./client-credentials.ts";
import { ClientDaemon, type ClientDaemonSettings, type ClientRole } from "./client-daemon.ts";
import { type CONTROL_OPTION, controlDirectory } from "./control-directory.ts";
import { logTerminal, openLog, untilAskedToEnd } from "./daemon.ts";
import type { PROCESS_OPTIONS } from "./daemon-options.ts";
import { CredentialError, EXIT } from "./errors.ts";
import type { HostPort } from "./option-kinds.ts";
import { type Values, warn } from "./options.ts";
import { guardProcess, statusOf } from "./process-guard.ts";
import type { Terminal } from "./terminal.ts";

type RunSettings = ClientDaemonSettings & {
  readonly values: Values<typeof PROCESS_OPTIONS> & Values<typeof CONTROL_OPTION>;
};

export interface ClientRun<Settings extends RunSettings, Input, Output extends { readonly type: string }> {
  readonly settings: Settings;
  /** Reads the settings again, for a reload; undefined when there is nothing to run. */
  readonly read: (terminal: Terminal) => Promise<Settings | undefined>;
  readonly load: (settings: Settings) => ClientCredentials;
  readonly relay: HostPort;
  /** Any of these must be in the relay's certificate. */
  readonly names: readonly string[];
  /** Local UDP port; 0: any. */
  readonly localPort: number;
  readonly role: (daemon: ClientDaemon<Input, Output>) => ClientRole<Input, Output>;
}

/** Everything that can be wrong before anything is opened. */
export function checkClient<Settings extends RunSettings>(
  settings: Settings,
  load: (settings: Settings) => ClientCredentials,
  terminal: Terminal,
): number {
  const credentials = load(settings);
  for (const warning of credentials.warnings) warn(terminal, warning);
  clientConfig(quicSettings(settings.values, credentials));
  terminal.err("ztna: options, files and credentials are in order\n");
  return EXIT.done;
}

/** Until a signal ends it, it grew too large, or the relay will not have it before it ever had success. */
export async function runClient<Settings extends RunSettings, Input, Output extends { readonly type: string }>(
  run: ClientRun<Settings, Input, Output>,
  terminal: Terminal,
): Promise<number> {
  const { settings, read, load, role, ...rest } = run;
  const credentials = load(settings);
  const log = await openLog(settings.values, terminal);
  for (const warning of credentials.warnings) log.line("warn", "credentials", { detail: warning });
  const control = controlDirectory(settings.values.controlDir, terminal);
  const daemon = new ClientDaemon<Input, Output>(
    { ...rest, settings, credentials, log, controlDirectory: control },
    role,
  );
  const readAgain = async () => {
    const again = await read(logTerminal(log, terminal));
    return again === undefined ? undefined : load(again);
  };
  const reload = () => void daemon.reload(readAgain);
  const guard = guardProcess(settings.values, log);
  const asked = untilAskedToEnd(reload);
  try {
    await daemon.start(reload);
  } catch (error) {
    await daemon.close();
    throw error;
  }
  const end = await Promise.race([asked, guard.exceeded, daemon.fatal, daemon.failed]);
  await daemon.stop(typeof end === "string" ? end : "reason" in end ? end.reason : "failed");
  guard.close();
  if (typeof end === "string") return statusOf(end);
  throw "sentence" in end ? new CredentialError(end.sentence) : end;
}

/** Services that the relay has not acknowledged, as `notReady` names them. */
export function missingServices(
  status: Iterable<{ readonly service: string; readonly registration: string; readonly reason: string | undefined }>,
): readonly string[] {
  const missing = [...status].filter(({ registration }) => registration !== "registered");
  return missing.map(({ service, registration, reason = registration }) => `${service} (${reason})`);
}
