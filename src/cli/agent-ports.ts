// The local ports of `ztna agent`: the flows behind them, and the sockets in front.

import type { LocalCommand, LocalEvent } from "../agent/local.ts";
import { LocalFlows } from "../agent/local-flows.ts";
import { keyedHash } from "../runtime/keyed-hash.ts";
import { LocalPorts } from "../runtime/local-ports.ts";
import type { Log } from "../runtime/log.ts";
import { addLocalMetrics, localDrops } from "../runtime/metrics-local.ts";
import type { MetricsPage, Sample } from "../runtime/metrics-page.ts";
import type { AgentSettings } from "./agent-options.ts";
import { agentServices } from "./agent-services.ts";
import { cannotListen, listeningLine } from "./daemon.ts";
import type { ListenerSetting } from "./local-listeners.ts";
import { hostPortText } from "./option-kinds.ts";

export class AgentPorts {
  readonly flows: LocalFlows;
  readonly #listeners: readonly ListenerSetting[];
  readonly #ports: LocalPorts;

  constructor(settings: AgentSettings, listeners: readonly ListenerSetting[], feed: (event: LocalEvent) => void) {
    this.#listeners = listeners;
    this.flows = new LocalFlows({
      services: agentServices(settings),
      listeners: listeners.map(({ leadsTo }) => leadsTo),
      random: unpredictable,
      hash: keyedHash(),
    });
    this.#ports = new LocalPorts({ emit: feed });
  }

  /** Throws when an address cannot be had. */
  async open(log: Log): Promise<void> {
    try {
      await this.#ports.open(
        this.#listeners.map(({ host, port, leadsTo }) => ({ host, port, udp: leadsTo.type === "forward" })),
      );
    } catch (error) {
      throw cannotListen(whereOf(error), error);
    }
    for (const local of this.#ports.local) log.plain(listeningLine(local));
  }

  perform(command: LocalCommand): void {
    this.#ports.perform(command);
  }

  addMetrics(page: MetricsPage): void {
    addLocalMetrics(page, this.flows);
  }

  /** What programs sent and did not get through, or were not given. */
  drops(): readonly Sample[] {
    return localDrops(this.flows, this.#ports.undelivered);
  }

  close(): Promise<void> {
    return this.#ports.close();
  }
}

function whereOf(error: unknown): string {
  const { address } = error as { readonly address?: { readonly host: string; readonly port: number } };
  return address === undefined ? "a local port" : `${hostPortText(address)} (local port)`;
}

/** From 0 up to, but not including, 1. */
function unpredictable(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}
