// Assembles the connector: credentials, endpoint, role, dialling, backends, status port; reloads and ends it.
import { Connector, type ConnectorInput, type ConnectorOutput } from "../connector/connector.ts";
import { loadOwnCredentials, loadTrustAnchors, type OwnCredentials, type TrustAnchors } from "../pki/credentials.ts";
import { Endpoint } from "../quic/endpoint.ts";
import { type ClientSettings, clientConfig } from "../quic/settings.ts";
import { Backends } from "../runtime/backends.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { FileWatch } from "../runtime/file-watch.ts";
import { keyedHash } from "../runtime/keyed-hash.ts";
import type { Log } from "../runtime/log.ts";
import { addConnectorMetrics } from "../runtime/metrics-connector.ts";
import {
  addCredentialMetrics,
  addInsecurityMetric,
  addProcessMetrics,
  type CertificateDate,
  MetricsPage,
} from "../runtime/metrics-page.ts";
import { RelayDialler } from "../runtime/relay-dialler.ts";
import { Resolver } from "../runtime/resolver.ts";
import type { BindAddress, UdpSocket } from "../runtime/udp-socket.ts";
import type { Fatal, Notice, PeerCommand, PeerEvent } from "../tunnel/peer.ts";
import {
  type ConnectSettings,
  clientFiles,
  insecurities,
  relayAddress,
  serverNames,
  tcpLimits,
  udpLimits,
} from "./connect-options.ts";
import { serviceEntries } from "./connect-services.ts";
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
} from "./daemon.ts";
import { CredentialError, EXIT } from "./errors.ts";
import { warn } from "./options.ts";
import { guardProcess, statusOf } from "./process-guard.ts";
import type { Terminal } from "./terminal.ts";

export type ReadSettings = (terminal: Terminal) => Promise<ConnectSettings | undefined>;

type Input = Exclude<ConnectorInput, PeerEvent>;
type Output = Exclude<ConnectorOutput, PeerCommand>;

/** Everything that can be wrong before anything is opened. */
export function checkConnect(settings: ConnectSettings, terminal: Terminal): number {
  const credentials = loadCredentials(settings);
  for (const warning of credentials.warnings) warn(terminal, warning);
  clientConfig(clientSettings(settings, credentials));
  terminal.err("ztna: options, files and credentials are in order\n");
  return EXIT.done;
}

/** Runs the connector until a signal ends it, or until the relay will not have it before it ever had success. */
export async function connect(settings: ConnectSettings, read: ReadSettings, terminal: Terminal): Promise<number> {
  const credentials = loadCredentials(settings);
  const log = await openLog(settings.values, terminal);
  for (const warning of credentials.warnings) log.line("warn", "credentials", { detail: warning });
  const daemon = new ConnectorDaemon(settings, credentials, log);
  const reload = () => void daemon.reload(read, terminal);
  const guard = guardProcess(settings.values, log);
  const asked = untilAskedToEnd(reload);
  await daemon.start(reload);
  const end = await Promise.race([asked, guard.exceeded, daemon.fatal]);
  await daemon.stop(typeof end === "string" ? end : end.reason);
  guard.close();
  if (typeof end === "string") return statusOf(end);
  throw new CredentialError(end.sentence);
}

interface Credentials {
  readonly own: OwnCredentials | undefined;
  readonly anchors: TrustAnchors | undefined;
  readonly warnings: readonly string[];
}

class ConnectorDaemon {
  readonly fatal: Promise<Fatal>;
  readonly #log: Log;
  readonly #bugs: BugReports;
  readonly #page = new MetricsPage();
  readonly #endpoint: Endpoint;
  readonly #connector: Connector;
  readonly #driver: Driver<Input, Output>;
  readonly #backends: Backends;
  readonly #state: { settings: ConnectSettings; credentials: Credentials; reloads: number; reloadFailures: number };
  readonly #open: { close(): unknown }[] = [];
  readonly #giveUp: (fatal: Fatal) => void;
  #dialler: RelayDialler | undefined;
  #watch: FileWatch | undefined;
  #reloading = false;
  #stopping = false;

  constructor(settings: ConnectSettings, credentials: Credentials, log: Log) {
    this.#log = log;
    this.#bugs = new BugReports(log);
    this.#open.push(this.#bugs);
    this.#state = { settings, credentials, reloads: 0, reloadFailures: 0 };
    const { promise, resolve } = Promise.withResolvers<Fatal>();
    this.fatal = promise;
    this.#giveUp = resolve;
    this.#endpoint = new Endpoint(
      {
        client: clientSettings(settings, credentials),
        secret: crypto.getRandomValues(new Uint8Array(32)),
        rotationMs: settings.values.cidRotation,
        random: (bytes) => void crypto.getRandomValues(bytes),
        wallNow: () => Date.now(),
      },
      monotonicClock.now(),
    );
    this.#connector = new Connector({
      services: serviceEntries(settings),
      random: Math.random,
      hash: keyedHash(),
      room: (peer) => this.#endpoint.window(peer),
      udp: udpLimits(settings),
      tcp: tcpLimits(settings),
    });
    this.#driver = new Driver<Input, Output>({
      role: this.#connector,
      endpoint: this.#endpoint,
      clock: monotonicClock,
      perform: (output) => this.#perform(output),
    });
    this.#backends = new Backends({
      resolver: new Resolver({ freshMs: BACKEND_NAMES_MS, now: monotonicClock.now }),
      emit: (event) => this.#driver.feed(event),
    });
  }

  /** Opens everything, says so, and begins to dial. `changed` is called when a file of ours was replaced. */
  async start(changed: () => void): Promise<void> {
    const { settings } = this.#state;
    const socket = await this.#bind();
    this.#dialler = new RelayDialler({
      ...relayAddress(settings),
      names: serverNames(settings),
      resolver: new Resolver({ freshMs: 0, now: monotonicClock.now }),
      endpoint: this.#endpoint,
      socket,
      now: monotonicClock.now,
      feed: (event) => this.#driver.feed(event),
    });
    this.#addMetrics(socket);
    const status = await openStatus(settings.values, () => this.#notReady(), this.#page);
    if (status !== undefined) this.#open.push(status);
    this.#driver.attach(socket);
    for (const local of socket.local) this.#log.plain(listeningLine(local));
    if (status !== undefined) this.#log.plain(listeningLine(status.local));
    this.#open.push(
      new Reminders(
        this.#log,
        () => insecurities(this.#state.settings),
        () => this.#dates(),
      ),
    );
    this.#watch = new FileWatch({ paths: watchedFiles(settings), intervalMs: WATCH_MS, changed });
    this.#open.push(this.#watch);
    await this.#watch.look();
  }

  /** New credentials for connections from now on. Whatever is wrong with them: the old ones stay. */
  async reload(read: ReadSettings, terminal: Terminal): Promise<void> {
    if (this.#reloading || this.#stopping) return;
    this.#reloading = true;
    try {
      await this.#watch?.acknowledge();
      const settings = await read(logTerminal(this.#log, terminal));
      if (settings === undefined) return;
      const credentials = loadCredentials(settings);
      this.#endpoint.reload({ client: clientSettings(this.#state.settings, credentials) });
      this.#state.credentials = credentials;
      this.#state.reloads++;
      this.#log.line("info", "reloaded", { serial: credentials.own?.leaf.serial ?? "none" });
    } catch (error) {
      this.#state.reloadFailures++;
      this.#log.line("error", "reload-failed", { detail: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#reloading = false;
    }
  }

  /** Says goodbye to the relay, so that it sends its agents elsewhere at once. */
  async stop(reason: string): Promise<void> {
    this.#stopping = true;
    this.#log.line("info", "stopping", { reason });
    this.#connector.stop(monotonicClock.now());
    this.#driver.flush();
    this.#endpoint.drain("stopped");
    this.#driver.wake();
    await turnUntil(() => this.#endpoint.drained, GOODBYE_MS);
    this.#driver.stop();
    await this.#backends.closeAll();
    for (const one of this.#open.reverse()) await one.close();
    this.#log.line("info", "stopped");
    this.#log.close();
  }

  #perform(output: Output): void {
    switch (output.type) {
      case "dial":
        void this.#dialler?.perform(output);
        break;
      case "notice":
        this.#say(output);
        break;
      case "fatal":
        this.#giveUp(output);
        break;
      default:
        this.#backends.perform(output);
    }
  }

  /** Scripts wait for the line of a registered service: it comes whatever the form and level of the log. */
  #say(notice: Notice): void {
    if (notice.event !== "registered") return this.#log.notice(notice);
    this.#log.plain(`registered ${notice.fields.service}`);
    if (this.#state.settings.values.logFormat === "json") this.#log.notice(notice);
  }

  async #bind(): Promise<UdpSocket> {
    const { values } = this.#state.settings;
    const four = { host: "0.0.0.0", port: values.p2pListenPort };
    // A host may have no IPv6: that only matters to a relay that has nothing else.
    const open = (...addresses: BindAddress[]) => openPackets(addresses, this.#driver, values, this.#log);
    try {
      const socket = await open(four, { host: "::", port: 0 }).catch(() => open(four));
      this.#open.push(socket);
      return socket;
    } catch (error) {
      throw cannotListen(`${four.host}:${four.port}`, error);
    }
  }

  #addMetrics(socket: UdpSocket): void {
    const startedAt = performance.now();
    const uptimeSeconds = () => Math.floor((performance.now() - startedAt) / 1000);
    const parts = { connector: this.#connector, backends: this.#backends, endpoint: this.#endpoint };
    addConnectorMetrics(this.#page, { ...parts, socket: socket.stats, uptimeSeconds });
    addCredentialMetrics(this.#page, () => ({ ...this.#state, dates: this.#dates() }));
    addInsecurityMetric(this.#page, () => insecurities(this.#state.settings));
    addProcessMetrics(this.#page, () => this.#bugs.count);
  }

  #notReady(): string | undefined {
    if (this.#stopping) return "draining";
    const expired = this.#dates().find(({ notAfter }) => notAfter < Date.now());
    if (expired !== undefined) return `expired: ${expired.certificate} certificate`;
    const missing = [...this.#connector.status()].filter(({ registration }) => registration !== "registered");
    const named = missing.map(({ service, registration, reason = registration }) => `${service} (${reason})`);
    return missing.length === 0 ? undefined : `not registered: ${named.join(", ")}`;
  }

  #dates(): readonly CertificateDate[] {
    const { own, anchors } = this.#state.credentials;
    const dates = own === undefined ? [] : [{ certificate: "client", notAfter: own.notAfter }];
    return anchors === undefined ? dates : [...dates, { certificate: "ca", notAfter: anchors.notAfter }];
  }
}

function loadCredentials(settings: ConnectSettings): Credentials {
  const { caCert, verifyPeer, allowOpenKeys } = settings.values;
  const wallNow = Date.now();
  const files = clientFiles(settings);
  const own = files && loadOwnCredentials(files, "client", { allowOpenKeys }, wallNow);
  const anchors = caCert === undefined || !verifyPeer ? undefined : loadTrustAnchors(caCert, wallNow);
  return { own, anchors, warnings: [...(own?.warnings ?? []), ...(anchors?.warnings ?? [])] };
}

function clientSettings(settings: ConnectSettings, { own, anchors }: Credentials): ClientSettings {
  const tls = { certChain: own?.certChain, key: own?.key, ca: anchors?.ca };
  return { verifyPeer: settings.values.verifyPeer, tls };
}

function watchedFiles({ values: { clientCert, clientKey, caCert } }: ConnectSettings): readonly string[] {
  return [clientCert, clientKey, caCert].filter((path) => path !== undefined);
}

/** How long a backend's address is used without asking again. */
const BACKEND_NAMES_MS = 30_000;
const WATCH_MS = 1000;
const GOODBYE_MS = 1000;
