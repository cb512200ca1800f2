// `ztna doctor`: looks at this host, at the given credential files and at the way to the relay, and says what to do.
import { failure, type Row, type RowStatus } from "./doctor-row.ts";
import { EXIT, type ExitCode } from "./errors.ts";
import { file, host, hostPort } from "./option-kinds.ts";
import { type CommandSpec, flag, flagName, optional, readOptions, type Settings } from "./options.ts";
import type { Run, Terminal } from "./terminal.ts";

const RELAY = "The way to the relay";
const FILES = "Credential files";

const OPTIONS = {
  server: optional(hostPort(4433), { help: "the relay to reach", group: RELAY }),
  serverName: optional(host, { help: "name that its certificate must carry (default the host)", group: RELAY }),
  caCert: optional(file, { help: "CA that the other end's certificate must come from", group: FILES }),
  clientCert: optional(file, { help: "certificate chain of a connector or agent", group: FILES }),
  clientKey: optional(file, { help: "its private key", group: FILES }),
  cert: optional(file, { help: "certificate chain of a relay", group: FILES }),
  key: optional(file, { help: "its private key", group: FILES }),
  allowOpenKeys: flag("accept private keys that everybody may read", { group: FILES }),
  json: flag("print JSON"),
};

export const DOCTOR: CommandSpec<typeof OPTIONS> = {
  command: "doctor",
  summary: "checks this host, credential files and the way to the relay, and says what to do",
  options: OPTIONS,
  examples: [
    "ztna doctor",
    "ztna doctor --server relay.example.org --ca-cert ca.pem --client-cert laptop.crt --client-key laptop.key",
    "ztna doctor --cert relay.crt --key relay.key --ca-cert ca.pem --json",
  ],
};

type DoctorSettings = Settings<typeof OPTIONS>;

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(DOCTOR, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { json, server } = settings.values;
  const files = credentialFiles(settings);
  const { hostRows } = await import("./doctor-host.ts");
  const { fileRows } = await import("./doctor-files.ts");
  const rows = [...hostRows(terminal), ...fileRows(files, Date.now()), ...(await rowsOfRelay(settings, terminal))];
  const status = exitCodeOf(rows);
  if (json) {
    const shown = rows.map(({ unreachable: _, ...row }) => row);
    terminal.out(`${JSON.stringify({ schema_version: 1, status, rows: shown }, null, 2)}\n`);
  } else {
    terminal.out(rows.map(line).join(""));
    if (server === undefined) terminal.err("Next: ztna doctor --server HOST:PORT checks the way to a relay.\n");
  }
  return status;
};

/** 1 something here is broken, 5 only the relay is out of reach, 7 it works but not as well as it could. */
export function exitCodeOf(rows: readonly Row[]): ExitCode {
  const failures = rows.filter(({ status }) => status === "failure");
  if (failures.some(({ unreachable }) => unreachable !== true)) return EXIT.failed;
  if (failures.length > 0) return EXIT.unreachable;
  return rows.some(({ status }) => status === "warning") ? EXIT.degraded : EXIT.done;
}

/** Throws when only one half of a pair is given. */
function credentialFiles(settings: DoctorSettings) {
  const { caCert, cert, key, clientCert, clientKey, allowOpenKeys } = settings.values;
  const together = (
    certificate: string | undefined,
    own: string | undefined,
    ...names: ["cert", "key"] | ["clientCert", "clientKey"]
  ) => {
    if (certificate !== undefined && own !== undefined) return { certificate, key: own };
    if (certificate === own) return undefined;
    throw settings.conflict(
      `${names.map((name) => settings.origin(name)).join(" and ")} belong together: give both`,
      ...names,
    );
  };
  return {
    caCert,
    server: together(cert, key, "cert", "key"),
    client: together(clientCert, clientKey, "clientCert", "clientKey"),
    allowOpenKeys,
  };
}

async function rowsOfRelay({ values }: DoctorSettings, terminal: Terminal): Promise<readonly Row[]> {
  const { server, serverName, caCert, clientCert, clientKey, allowOpenKeys } = values;
  if (server === undefined) return [];
  const flags = Object.entries({ serverName, caCert, clientCert, clientKey })
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${flagName(name)}`, value as string]);
  try {
    const { relayRows } = await import("./doctor-relay.ts");
    return await relayRows({ server, flags: allowOpenKeys ? [...flags, "--allow-open-keys"] : flags }, terminal);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return [failure("relay", `could not be checked: ${what}`, "see the tmpdir row")];
  }
}

function line({ check, status, detail, remedy }: Row): string {
  return `${MARKS[status]}  ${check.padEnd(18)}  ${detail}${remedy === undefined ? "" : `\n${" ".repeat(26)}→ ${remedy}`}\n`;
}

const MARKS: Readonly<Record<RowStatus, string>> = { ok: "ok  ", warning: "WARN", failure: "FAIL" };
