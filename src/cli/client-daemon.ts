// What every role that dials a relay is around its own core: credentials, endpoint, dialling, status port, reload, end.
import type { Machine, Millis } from "../core/machine.ts";
import { Endpoint } from "../quic/endpoint.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { FileWatch } from "../runtime/file-watch.ts";
import type { Log } from "../runtime/log.ts";
import { addCredentialMetrics, addInsecurityMetric, addProcessMetrics, MetricsPage } from "../runtime/metrics-page.ts";
import { RelayDialler } from "../runtime/relay-dialler.ts";
import { Resolver } from "../runtime/resolver.ts";
import type { BindAddress, UdpSocket } from "../runtime/udp-socket.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent } from "../tunnel/peer.ts";
import { type ClientCredentials, credentialDates, credentialPaths, quicSettings } from "./client-credentials.ts";
import { clientInsecurities, type RelaySettings } from "./client-options.ts";
import {
  BugReports,
  cannotListen,
  listeningLine,
  openPackets,
  openStatus,
  Reminders,
  type StatusOptions,
  turnUntil,
  uptime,
} from "./daemon.ts";
import type { LOG_OPTIONS, PACKET_OPTIONS } from "./daemon-options.ts";
import { type DaemonFacts, openControl } from "./daemon-status.ts";
import { CommandError } from "./errors.ts";
import type { HostPort } from "./option-kinds.ts";
import type { Values } from "./options.ts";
import type { StatusDocument } from "./status-document.ts";

/** The settings that the daemon itself looks at. */
export interface ClientDaemonSettings {
  readonly values: RelaySettings["values"] & Values<typeof PACKET_OPTIONS> & Values<typeof LOG_OPTIONS> & StatusOptions;
}

export interface ClientDaemonOptions {
  readonly settings: ClientDaemonSettings;
  readonly credentials: ClientCredentials;
  readonly log: Log;
  readonly relay: HostPort;
  /** Any of these must be in the relay's certificate. */
  readonly names: readonly string[];
  /** Of the socket towards the relay; 0: any. */
  readonly localPort: number;
  /** Of the socket that tells `ztna status`. */
  readonly controlDirectory: string;
}

/** What the daemon cares for itself, besides what a role puts out for it. */
export type ClientEvent = PeerEvent | DialEvent;
export type ClientOutput = PeerCommand | Dial | Notice | Fatal;

/** A role as the daemon runs it. */
export interface ClientRole<Input, Output> {
  readonly command: StatusDocument["command"];
  readonly machine: Machine<ClientEvent | Input, ClientOutput | Output> & { stop(now: Millis): void };
  /** Carries out what is for neither the endpoint nor the daemon. */
  perform(output: Output, now: Millis): void;
  /** Services that the relay has not acknowledged, each with its state. */
  missing(): readonly string[];
  /** Protections that are off for its own part, by the option that switched them off. */
  insecurities?(): readonly string[];
  addMetrics(page: MetricsPage, endpoint: Endpoint, socket: UdpSocket): void;
  status(facts: DaemonFacts): StatusDocument;
  /** Opens what it has besides the relay's socket, before the first dial. May throw what the operator has to read. */
  open(log: Log): Promise<void>;
  close(): unknown;
}

export class ClientDaemon<Input, Output extends { readonly type: string }> {
  /** Given up before the first success. */
  readonly fatal: Promise<Fatal>;
  /** What a running daemon cannot go on without is gone. */
  readonly failed: Promise<CommandError>;
  readonly endpoint: Endpoint;
  readonly uptimeSeconds = uptime();
  readonly #options: ClientDaemonOptions;
  readonly #bugs: BugReports;
  readonly #page = new MetricsPage();
  readonly #role: ClientRole<Input, Output>;
  readonly #driver: Driver<DialEvent | Input, Dial | Notice | Fatal | Output>;
  readonly #state: { credentials: ClientCredentials; reloads: number; reloadFailures: number };
  readonly #open: { close(): unknown }[] = [];
  readonly #giveUp: (fatal: Fatal) => void;
  readonly #fail: (error: CommandError) => void;
  #dialler: RelayDialler | undefined;
  #watch: FileWatch | undefined;
  #reloading = false;
  #stopping = false;

  /** `role` is made once there is an endpoint for it. */
  constructor(options: ClientDaemonOptions, role: (daemon: ClientDaemon<Input, Output>) => ClientRole<Input, Output>) {
    this.#options = options;
    const { settings, credentials, log } = options;
    this.#bugs = new BugReports(log);
    this.#open.push(this.#bugs);
    this.#state = { credentials, reloads: 0, reloadFailures: 0 };
    const { promise, resolve } = Promise.withResolvers<Fatal>();
    this.fatal = promise;
    this.#giveUp = resolve;
    const failure = Promise.withResolvers<CommandError>();
    this.failed = failure.promise;
    this.#fail = failure.resolve;
    this.endpoint = new Endpoint(
      {
        client: quicSettings(settings.values, credentials),
        secret: crypto.getRandomValues(new Uint8Array(32)),
        rotationMs: settings.values.cidRotation,
        random: (bytes) => void crypto.getRandomValues(bytes),
        wallNow: () => Date.now(),
      },
      monotonicClock.now(),
    );
    this.#role = role(this);
    this.#driver = new Driver({
      role: this.#role.machine,
      endpoint: this.endpoint,
      clock: monotonicClock,
      perform: (output, now) => this.#perform(output, now),
    });
  }

  /** Gives the role an input. Its bytes must stay valid until the role has taken it. */
  feed(input: Input): void {
    this.#driver.feed(input);
  }

  /** Ends the daemon; the sentence says what happened. */
  fail(sentence: string): void {
    this.#fail(new CommandError(sentence));
  }

  /** Opens everything, says so, and begins to dial. `changed` is called when a file of ours was replaced. */
  async start(changed: () => void): Promise<void> {
    const { settings, log, relay, names, controlDirectory } = this.#options;
    const socket = await this.#bind();
    await this.#role.open(log);
    this.#open.push(this.#role);
    const control = await openControl(controlDirectory, this.#role.command, () => this.#status(), log);
    if (control !== undefined) this.#open.push(control);
    this.#dialler = new RelayDialler({
      ...relay,
      names,
      resolver: new Resolver({ freshMs: 0, now: monotonicClock.now }),
      endpoint: this.endpoint,
      socket,
      now: monotonicClock.now,
      feed: (event) => this.#driver.feed(event),
    });
    this.#addMetrics(socket);
    const status = await openStatus(settings.values, () => this.notReady(), this.#page);
    if (status !== undefined) this.#open.push(status);
    this.#driver.attach(socket);
    for (const local of socket.local) log.plain(listeningLine(local));
    if (status !== undefined) log.plain(listeningLine(status.local));
    const insecure = () => this.#insecurities();
    this.#open.push(new Reminders(log, insecure, () => credentialDates(this.credentials)));
    this.#watch = new FileWatch({ paths: credentialPaths(settings.values), intervalMs: WATCH_MS, changed });
    this.#open.push(this.#watch);
    await this.#watch.look();
  }

  /** New credentials for connections from now on. Whatever is wrong with them: the old ones stay. */
  async reload(read: () => Promise<ClientCredentials | undefined>): Promise<void> {
    if (this.#reloading || this.#stopping) return;
    this.#reloading = true;
    const { settings, log } = this.#options;
    try {
      await this.#watch?.acknowledge();
      const credentials = await read();
      if (credentials === undefined) return;
      this.endpoint.reload({ client: quicSettings(settings.values, credentials) });
      this.#state.credentials = credentials;
      this.#state.reloads++;
      log.line("info", "reloaded", { serial: credentials.own?.leaf.serial ?? "none" });
    } catch (error) {
      this.#state.reloadFailures++;
      log.line("error", "reload-failed", { detail: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#reloading = false;
    }
  }

  /** Says goodbye to the relay, so that it forgets us at once. */
  async stop(reason: string): Promise<void> {
    const { log } = this.#options;
    this.#stopping = true;
    log.line("info", "stopping", { reason });
    this.#role.machine.stop(monotonicClock.now());
    this.#driver.flush();
    this.endpoint.drain("stopped");
    this.#driver.wake();
    await turnUntil(() => this.endpoint.drained, GOODBYE_MS);
    await this.close();
    log.line("info", "stopped");
    log.close();
  }

  /** Gives everything back, also what a start that failed had opened. */
  async close(): Promise<void> {
    this.#driver.stop();
    for (const one of this.#open.splice(0).reverse()) await one.close();
  }

  /** Why it does not serve; undefined when it does. */
  notReady(): string | undefined {
    if (this.#stopping) return "draining";
    const expired = credentialDates(this.credentials).find(({ notAfter }) => notAfter < Date.now());
    if (expired !== undefined) return `expired: ${expired.certificate} certificate`;
    const missing = this.#role.missing();
    return missing.length === 0 ? undefined : `not registered: ${missing.join(", ")}`;
  }

  get credentials(): ClientCredentials {
    return this.#state.credentials;
  }

  #perform(output: Dial | Notice | Fatal | Output, now: Millis): void {
    if (isOurs(output)) {
      if (output.type === "dial") void this.#dialler?.perform(output);
      else if (output.type === "notice") this.#say(output);
      else this.#giveUp(output);
    } else this.#role.perform(output, now);
  }

  /** Scripts wait for the line of a registered service: it comes whatever the form and level of the log. */
  #say(notice: Notice): void {
    const { log, settings } = this.#options;
    if (notice.event !== "registered") return log.notice(notice);
    log.plain(`registered ${notice.fields.service}`);
    if (settings.values.logFormat === "json") log.notice(notice);
  }

  async #bind(): Promise<UdpSocket> {
    const { settings, log, localPort } = this.#options;
    const four = { host: "0.0.0.0", port: localPort };
    // A host may have no IPv6: that only matters to a relay that has nothing else.
    const open = (...addresses: BindAddress[]) => openPackets(addresses, this.#driver, settings.values, log);
    try {
      const socket = await open(four, { host: "::", port: 0 }).catch(() => open(four));
      this.#open.push(socket);
      return socket;
    } catch (error) {
      throw cannotListen(`${four.host}:${four.port}`, error);
    }
  }

  #status(): StatusDocument {
    const dates = credentialDates(this.credentials);
    return this.#role.status({
      notReady: this.notReady(),
      uptimeSeconds: this.uptimeSeconds(),
      dates,
      wallNow: Date.now(),
    });
  }

  #insecurities(): readonly string[] {
    return [...clientInsecurities(this.#options.settings), ...(this.#role.insecurities?.() ?? [])];
  }

  #addMetrics(socket: UdpSocket): void {
    this.#role.addMetrics(this.#page, this.endpoint, socket);
    addCredentialMetrics(this.#page, () => ({ ...this.#state, dates: credentialDates(this.credentials) }));
    addInsecurityMetric(this.#page, () => this.#insecurities());
    addProcessMetrics(this.#page, () => this.#bugs.count);
  }
}

function isOurs(output: { readonly type: string }): output is Dial | Notice | Fatal {
  return output.type === "dial" || output.type === "notice" || output.type === "fatal";
}

const WATCH_MS = 1000;
const GOODBYE_MS = 1000;
