// Assembles the relay: credentials, endpoint, role, sockets, status port; reloads it and drains it.
import { hkdfSync } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Endpoint } from "../quic/endpoint.ts";
import { serverConfig } from "../quic/settings.ts";
import { DEFAULT_RELAY_LIMITS } from "../relay/options.ts";
import { Relay } from "../relay/relay.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { FileWatch } from "../runtime/file-watch.ts";
import type { Log } from "../runtime/log.ts";
import { addCredentialMetrics, addInsecurityMetric, addProcessMetrics, MetricsPage } from "../runtime/metrics-page.ts";
import { addRelayMetrics } from "../runtime/metrics-relay.ts";
import { Resolver } from "../runtime/resolver.ts";
import type { BindAddress, UdpSocket } from "../runtime/udp-socket.ts";
import type { Notice } from "../tunnel/peer.ts";
import { controlDirectory } from "./control-directory.ts";
import {
  BugReports,
  cannotListen,
  listeningLine,
  logTerminal,
  openLog,
  openPackets,
  openStatus,
  Reminders,
  turnUntil,
  untilAskedToEnd,
  uptime,
} from "./daemon.ts";
import { openControl } from "./daemon-status.ts";
import { ConfigurationError, EXIT } from "./errors.ts";
import { flagName, warn } from "./options.ts";
import { type EndReason, guardProcess, statusOf } from "./process-guard.ts";
import {
  loadRelayCredentials,
  type RelayCredentials,
  relayDates,
  serverSettings,
  watchedFiles,
} from "./serve-credentials.ts";
import { admissionLimits, clientAuthOf, insecurities, relayOptions, type ServeSettings } from "./serve-options.ts";
import { relayStatus } from "./serve-status.ts";
import type { RelayStatus } from "./status-document.ts";
import type { Terminal } from "./terminal.ts";

export type ReadSettings = (terminal: Terminal) => Promise<ServeSettings | undefined>;

/** Everything that can be wrong before a port is bound. */
export async function checkServe(settings: ServeSettings, terminal: Terminal): Promise<number> {
  const credentials = loadRelayCredentials(settings);
  for (const warning of credentials.warnings) warn(terminal, warning);
  await bindAddresses(settings.values.bind, settings.values.port);
  serverConfig(serverSettings(settings, credentials));
  terminal.err("ztna: options, files and credentials are in order\n");
  return EXIT.done;
}

/** Runs the relay until a signal ends it. */
export async function serve(settings: ServeSettings, read: ReadSettings, terminal: Terminal): Promise<number> {
  const credentials = loadRelayCredentials(settings);
  const log = await openLog(settings.values, terminal);
  for (const warning of credentials.warnings) log.line("warn", "credentials", { detail: warning });
  const daemon = new RelayDaemon(settings, credentials, log);
  const control = controlDirectory(settings.values.controlDir, terminal);
  const guard = guardProcess(settings.values, log);
  const asked = untilAskedToEnd(() => void daemon.reload(read, terminal));
  await daemon.start(control, () => void daemon.reload(read, terminal));
  const reason = await Promise.race([asked, guard.exceeded]);
  await daemon.drain(reason);
  guard.close();
  return statusOf(reason);
}

class RelayDaemon {
  readonly #log: Log;
  readonly #bugs: BugReports;
  readonly #page = new MetricsPage();
  readonly #endpoint: Endpoint;
  readonly #relay: Relay;
  readonly #driver: Driver<never, Notice>;
  readonly #state: { settings: ServeSettings; credentials: RelayCredentials; reloads: number; reloadFailures: number };
  readonly #open: { close(): unknown }[] = [];
  readonly #uptimeSeconds = uptime();
  #watch: FileWatch | undefined;
  #reloading = false;
  #draining = false;

  constructor(settings: ServeSettings, credentials: RelayCredentials, log: Log) {
    this.#log = log;
    this.#bugs = new BugReports(log);
    this.#open.push(this.#bugs);
    this.#state = { settings, credentials, reloads: 0, reloadFailures: 0 };
    const { values } = settings;
    const server = {
      ...serverSettings(settings, credentials),
      retry: values.disableRetry ? undefined : { lifetimeMs: RETRY_LIFETIME_MS, replayLimit: RETRY_REPLAY_LIMIT },
      retriesPerSecond: values.maxRetriesPerSecond,
      admission: admissionLimits(settings),
    };
    const environment = { random: fillRandom, wallNow: () => Date.now(), rotationMs: values.cidRotation };
    const secret = connectionIdSecret(credentials.own.key);
    const endpoint = new Endpoint({ server, secret, ...environment }, monotonicClock.now());
    const relay = new Relay(relayOptions(settings, DEFAULT_RELAY_LIMITS), (peer) => endpoint.room(peer));
    this.#endpoint = endpoint;
    this.#relay = relay;
    this.#driver = new Driver<never, Notice>({
      role: relay,
      endpoint,
      clock: monotonicClock,
      perform: (notice) => log.notice(notice),
    });
  }

  /** Binds everything, then says so. `changed` is called when a file of ours was replaced. */
  async start(control: string, changed: () => void): Promise<void> {
    const { values } = this.#state.settings;
    const addresses = await bindAddresses(values.bind, values.port);
    const socket = await this.#bind(addresses);
    this.#addMetrics(socket);
    const status = await openStatus(values, () => this.#notReady(), this.#page);
    if (status !== undefined) this.#open.push(status);
    const told = await openControl(control, "serve", () => this.#status(socket, addresses), this.#log);
    if (told !== undefined) this.#open.push(told);
    this.#driver.attach(socket);
    for (const local of localAddresses(socket, addresses)) this.#log.plain(listeningLine(local));
    if (status !== undefined) this.#log.plain(listeningLine(status.local));
    this.#open.push(
      new Reminders(
        this.#log,
        () => insecurities(this.#state.settings),
        () => relayDates(this.#state.credentials),
      ),
    );
    this.#watch = new FileWatch({ paths: watchedFiles(this.#state.settings), intervalMs: WATCH_MS, changed });
    this.#open.push(this.#watch);
    await this.#watch.look();
  }

  /** Reads everything again. Whatever is wrong with it: the old state stays, says so and counts. */
  async reload(read: ReadSettings, terminal: Terminal): Promise<void> {
    if (this.#reloading || this.#draining) return;
    this.#reloading = true;
    try {
      await this.#watch?.acknowledge();
      const settings = await read(logTerminal(this.#log, terminal));
      if (settings === undefined) return;
      const credentials = loadRelayCredentials(settings);
      this.#sayWhatWaits(settings);
      this.#endpoint.reload({ server: serverSettings(settings, credentials), admission: admissionLimits(settings) });
      this.#relay.reload(relayOptions(settings, DEFAULT_RELAY_LIMITS), monotonicClock.now());
      Object.assign(this.#state, { settings, credentials });
      this.#state.reloads++;
      this.#driver.wake();
      for (const warning of credentials.warnings) this.#log.line("warn", "credentials", { detail: warning });
      this.#log.line("info", "reloaded", { serial: credentials.own.leaf.serial });
    } catch (error) {
      this.#state.reloadFailures++;
      this.#log.line("error", "reload-failed", { detail: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#reloading = false;
    }
  }

  /** Says goodbye to every peer; ends as soon as that is written. */
  async drain(reason: EndReason): Promise<void> {
    this.#draining = true;
    this.#log.line("info", "draining", { reason, connections: this.#endpoint.connections });
    this.#endpoint.drain("server shutting down");
    this.#driver.wake();
    await turnUntil(() => this.#endpoint.drained, DRAIN_MS);
    this.#driver.stop();
    for (const one of this.#open.reverse()) await one.close();
    this.#log.line("info", "stopped");
    this.#log.close();
  }

  /** Who may come in at all is not changed under way: a slip in a file must not open a running relay. */
  #sayWhatWaits(settings: ServeSettings): void {
    if (clientAuthOf(settings) !== clientAuthOf(this.#state.settings)) {
      throw new ConfigurationError("client authentication changes only with a restart");
    }
    const before = this.#state.settings.values;
    if (before.crl !== undefined && settings.values.crl === undefined) {
      throw new ConfigurationError("revocation is switched off only with a restart");
    }
    const changed = FIXED_OPTIONS.filter((name) => !isDeepStrictEqual(before[name], settings.values[name]));
    if (changed.length > 0) this.#log.line("warn", "restart-needed", { options: changed.map(flagName).join(",") });
  }

  async #bind(addresses: readonly BindAddress[]): Promise<UdpSocket> {
    const { values } = this.#state.settings;
    try {
      const socket = await openPackets(addresses, this.#driver, values, this.#log, {
        externalHost: values.externalIp,
        replyFromDestination: true,
      });
      this.#open.push(socket);
      return socket;
    } catch (error) {
      throw cannotListen(addresses.map(({ host, port }) => `${host}:${port}`).join(", "), error);
    }
  }

  #addMetrics(socket: UdpSocket): void {
    addRelayMetrics(this.#page, this.#relay, this.#endpoint, socket.stats, this.#uptimeSeconds);
    addCredentialMetrics(this.#page, () => ({ ...this.#state, dates: relayDates(this.#state.credentials) }));
    addInsecurityMetric(this.#page, () => insecurities(this.#state.settings));
    addProcessMetrics(this.#page, () => this.#bugs.count);
  }

  #notReady(): string | undefined {
    if (this.#draining) return "draining";
    const expired = relayDates(this.#state.credentials).find(({ notAfter }) => notAfter < Date.now());
    return expired === undefined ? undefined : `expired: ${expired.certificate} certificate`;
  }

  #status(socket: UdpSocket, bound: readonly BindAddress[]): RelayStatus {
    const dates = relayDates(this.#state.credentials);
    const facts = { notReady: this.#notReady(), uptimeSeconds: this.#uptimeSeconds(), dates, wallNow: Date.now() };
    const listening = localAddresses(socket, bound);
    return relayStatus({ relay: this.#relay, endpoint: this.#endpoint, socket: socket.stats, listening }, facts);
  }
}

/** Names are resolved; every address is bound once. */
async function bindAddresses(wanted: ServeSettings["values"]["bind"], defaultPort: number): Promise<BindAddress[]> {
  const resolver = new Resolver({ freshMs: 0, now: () => performance.now() });
  const addresses: BindAddress[] = [];
  for (const { host, port = defaultPort } of wanted) {
    const [address = host] = await resolver.resolve(host).catch((error: unknown) => {
      throw cannotListen(host, error);
    });
    addresses.push({ host: address, port });
  }
  return addresses;
}

/** With the ports that the system chose. The socket's own idea of its host may be the external one, out of this host's reach. */
function localAddresses({ local }: UdpSocket, bound: readonly BindAddress[]): readonly BindAddress[] {
  return local.map(({ port }, index) => ({ host: bound[index]?.host ?? "", port }));
}

/** The same after a restart with the same key, so that peers of before can be told to come back. */
function connectionIdSecret(key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, "", "ztna connection ids", 32));
}

function fillRandom(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes);
}

/** Options that a reload reads but cannot change. */
const FIXED_OPTIONS = [
  "port",
  "bind",
  "externalIp",
  "disableRetry",
  "io",
  "socketBuffer",
  "cidRotation",
  "maxRetriesPerSecond",
  "metricsPort",
  "metricsBind",
  "controlDir",
  "logFormat",
  "logLevel",
] as const;

const RETRY_LIFETIME_MS = 30_000;
const RETRY_REPLAY_LIMIT = 200_000;
const WATCH_MS = 1000;
const DRAIN_MS = 3000;
