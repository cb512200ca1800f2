// What the daemons share: their log, what they say without being asked, their status port and the way they end.
import { Log } from "../runtime/log.ts";
import type { CertificateDate, MetricsPage } from "../runtime/metrics-page.ts";
import { openUdp } from "../runtime/open-udp.ts";
import { onSignals } from "../runtime/signals.ts";
import { openStatusServer, type StatusServer } from "../runtime/status-server.ts";
import type { BindAddress, UdpSocket, UdpSocketHandlers } from "../runtime/udp-socket.ts";
import type { LogLevel } from "../tunnel/peer.ts";
import type { LOG_OPTIONS, PACKET_OPTIONS } from "./daemon-options.ts";
import { CommandError, EXIT } from "./errors.ts";
import { hostPortText } from "./option-kinds.ts";
import type { Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export async function openLog(values: Values<typeof LOG_OPTIONS>, terminal: Terminal): Promise<Log> {
  const inColour = terminal.errIsTerminal && !terminal.environment.NO_COLOR && values.logFormat === "text";
  const paint = inColour ? await levelPaint() : undefined;
  return new Log({
    format: values.logFormat,
    level: values.logLevel,
    write: (line) => terminal.err(line),
    wallNow: () => Date.now(),
    now: () => performance.now(),
    ...(paint === undefined ? {} : { paint }),
  });
}

async function levelPaint(): Promise<(level: LogLevel, text: string) => string> {
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const paints = { debug: chalk.gray, info: chalk.green, warn: chalk.yellow, error: chalk.red };
  return (level, text) => paints[level](text);
}

/** A terminal whose prose becomes log lines: for what is read again while the daemon runs. */
export function logTerminal(log: Log, terminal: Terminal): Terminal {
  return { ...terminal, err: (text) => log.line("warn", "configuration", { detail: text.trim() }) };
}

export interface StatusOptions {
  readonly metricsPort: number;
  readonly metricsBind: string;
}

/** Undefined when the operator wants no status port. */
export async function openStatus(
  { metricsPort, metricsBind }: StatusOptions,
  notReady: () => string | undefined,
  page: MetricsPage,
): Promise<StatusServer | undefined> {
  if (metricsPort === 0) return undefined;
  try {
    return await openStatusServer({ host: metricsBind, port: metricsPort, notReady, metrics: () => page.text() });
  } catch (error) {
    throw cannotListen(`${metricsBind}:${metricsPort} (metrics)`, error);
  }
}

/** The sockets that carry QUIC. Throws the system's error when an address cannot be bound. */
export async function openPackets(
  addresses: readonly BindAddress[],
  handlers: UdpSocketHandlers,
  { io, socketBuffer }: Values<typeof PACKET_OPTIONS>,
  log: Log,
  options: { readonly externalHost?: string | undefined; readonly replyFromDestination?: boolean } = {},
): Promise<UdpSocket> {
  // Said once: packets still arrive, they only cost more.
  const steppedDown = (errno: number) => log.line("warn", "no-segmentation", { errno });
  const opened = await openUdp(addresses, handlers, { ...options, io, bufferBytes: socketBuffer, steppedDown });
  log.line("debug", "packets", { io: opened.io });
  return opened.socket;
}

export function cannotListen(where: string, error: unknown): CommandError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = LISTEN_FAILURES[code] ?? (error instanceof Error ? error.message : String(error));
  return new CommandError(`cannot listen on ${where}: ${why}`);
}

/** The line that says a socket is ready, IPv6 addresses in brackets. */
export function listeningLine({ host, port }: { readonly host: string; readonly port: number }): string {
  return `listening ${hostPortText({ host, port })}`;
}

/** What an operator must not forget: said again and again, because nobody reads the beginning of a log. */
export class Reminders {
  readonly #log: Log;
  readonly #insecurities: () => readonly string[];
  readonly #dates: () => readonly CertificateDate[];
  readonly #timer: ReturnType<typeof setInterval>;
  /** The number of days that was last warned about, by certificate. */
  readonly #warned = new Map<string, number>();

  constructor(log: Log, insecurities: () => readonly string[], dates: () => readonly CertificateDate[]) {
    this.#log = log;
    this.#insecurities = insecurities;
    this.#dates = dates;
    this.#timer = setInterval(() => this.remind(Date.now()), REMIND_MS);
    this.remind(Date.now());
  }

  remind(wallNow: number): void {
    for (const option of this.#insecurities()) this.#log.line("warn", "insecure", { option });
    for (const { certificate, notAfter } of this.#dates()) this.#remindOfExpiry(certificate, notAfter, wallNow);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #remindOfExpiry(certificate: string, notAfter: number, wallNow: number): void {
    const days = Math.floor((notAfter - wallNow) / DAY_MS);
    const step = EXPIRY_STEPS.find((limit) => days < limit);
    if (step === undefined) {
      this.#warned.delete(certificate);
      return;
    }
    if (this.#warned.get(certificate) === step) return;
    this.#warned.set(certificate, step);
    const event = days < 0 ? "certificate-expired" : "certificate-expires";
    this.#log.line(days < 0 ? "error" : "warn", event, { certificate, days, date: new Date(notAfter).toISOString() });
  }
}

/** Resolves with the signal that asked for the end. A second one ends the process at once. */
export function untilAskedToEnd(reload: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    onSignals({ drain: resolve, reload, abort: () => process.exit(EXIT.interrupted) });
  });
}

/** A bug that one packet or one peer brings to light must not end the service for the others: it is logged and counted. */
export class BugReports {
  count = 0;
  readonly #report: (error: unknown) => void;

  constructor(log: Log) {
    this.#report = (error) => {
      this.count++;
      log.line("error", "unexpected-error", { detail: describe(error) });
    };
    process.on("uncaughtException", this.#report);
    process.on("unhandledRejection", this.#report);
  }

  close(): void {
    process.off("uncaughtException", this.#report);
    process.off("unhandledRejection", this.#report);
  }
}

/** What was thrown and where from, on one line. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const where = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return `${error.name}: ${error.message}${where === undefined ? "" : ` ${where.trim()}`}`;
}

/** Whole seconds from now on. */
export function uptime(): () => number {
  const startedAt = performance.now();
  return () => Math.floor((performance.now() - startedAt) / 1000);
}

/** Turns the event loop until `done` or until time is up. */
export async function turnUntil(done: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!done() && performance.now() < end) await new Promise<void>((next) => setTimeout(next, TURN_MS));
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there",
  EADDRNOTAVAIL: "this host does not have that address",
  EACCES: "ports below 1024 take privileges",
};

const REMIND_MS = 60_000;
const DAY_MS = 86_400_000;
/** Days ahead of an expiry, ascending. */
const EXPIRY_STEPS: readonly number[] = [0, 1, 7, 30];
const TURN_MS = 2;
