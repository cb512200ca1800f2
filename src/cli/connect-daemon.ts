// Assembles the connector: role, relay connections, backends.
import { Connector, type ConnectorInput, type ConnectorOutput } from "../connector/connector.ts";
import type { ServiceEntry } from "../connector/services.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import { Backends } from "../runtime/backends.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { keyedHash } from "../runtime/keyed-hash.ts";
import { addConnectorMetrics } from "../runtime/metrics-connector.ts";
import type { MetricsPage } from "../runtime/metrics-page.ts";
import { Resolver } from "../runtime/resolver.ts";
import type { UdpSocket } from "../runtime/udp-socket.ts";
import { type ClientCredentials, loadClientCredentials } from "./client-credentials.ts";
import type { ClientDaemon, ClientEvent, ClientOutput, ClientRole } from "./client-daemon.ts";
import { checkClient, missingServices, runClient } from "./client-run.ts";
import {
  type ConnectSettings,
  clientFiles,
  relayAddress,
  serverNames,
  tcpLimits,
  udpLimits,
} from "./connect-options.ts";
import { serviceEntries } from "./connect-services.ts";
import { connectorStatus } from "./connect-status.ts";
import type { DaemonFacts } from "./daemon-status.ts";
import type { ConnectorStatus } from "./status-document.ts";
import type { Terminal } from "./terminal.ts";

export type ReadSettings = (terminal: Terminal) => Promise<ConnectSettings | undefined>;

type Input = Exclude<ConnectorInput, ClientEvent>;
type Output = Exclude<ConnectorOutput, ClientOutput>;

/** Everything that can be wrong before anything is opened. */
export function checkConnect(settings: ConnectSettings, terminal: Terminal): number {
  return checkClient(settings, loadCredentials, terminal);
}

/** Runs the connector until a signal ends it, or until the relay will not have it before it ever had success. */
export function connect(settings: ConnectSettings, read: ReadSettings, terminal: Terminal): Promise<number> {
  const relay = relayAddress(settings);
  const place = { relay, names: serverNames(settings), localPort: settings.values.p2pListenPort };
  const role = (daemon: ClientDaemon<Input, Output>) => new ConnectorRole(settings, daemon);
  return runClient({ settings, read, load: loadCredentials, ...place, role }, terminal);
}

class ConnectorRole implements ClientRole<Input, Output> {
  readonly command = "connect";
  readonly machine: Connector;
  readonly #settings: ConnectSettings;
  readonly #entries: readonly ServiceEntry[];
  readonly #backends: Backends;
  readonly #uptimeSeconds: () => number;

  constructor(settings: ConnectSettings, daemon: ClientDaemon<Input, Output>) {
    this.#settings = settings;
    this.#entries = serviceEntries(settings);
    this.#uptimeSeconds = daemon.uptimeSeconds;
    this.machine = new Connector({
      services: this.#entries,
      random: Math.random,
      hash: keyedHash(),
      room: (peer) => daemon.endpoint.window(peer),
      udp: udpLimits(settings),
      tcp: tcpLimits(settings),
    });
    this.#backends = new Backends({
      resolver: new Resolver({ freshMs: BACKEND_NAMES_MS, now: monotonicClock.now }),
      emit: (event) => daemon.feed(event),
    });
  }

  /** Backends are opened when somebody asks for them. */
  async open(): Promise<void> {}

  perform(output: Output): void {
    this.#backends.perform(output);
  }

  missing(): readonly string[] {
    return missingServices(this.machine.status());
  }

  addMetrics(page: MetricsPage, endpoint: Endpoint, { stats: socket }: UdpSocket): void {
    const parts = { connector: this.machine, backends: this.#backends, endpoint };
    addConnectorMetrics(page, { ...parts, socket, uptimeSeconds: this.#uptimeSeconds });
  }

  status(facts: DaemonFacts): ConnectorStatus {
    const relay = relayAddress(this.#settings);
    return connectorStatus({ connector: this.machine, entries: this.#entries, backends: this.#backends, relay }, facts);
  }

  close(): unknown {
    return this.#backends.closeAll();
  }
}

function loadCredentials(settings: ConnectSettings): ClientCredentials {
  return loadClientCredentials(settings.values, clientFiles(settings));
}

/** How long a backend's address is used without asking again. */
const BACKEND_NAMES_MS = 30_000;
