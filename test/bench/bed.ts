// What a measurement runs on: a relay and the driver that loads it; and one round of load beside the in-memory hop.
import type { BenchPki } from "./bench-pki.ts";
import type { RunResult } from "./driver.ts";
import { DriverProcess } from "./driver-process.ts";
import { measureHop } from "./quiche-hop.ts";
import { RelayProcess } from "./relay-process.ts";

export interface Load {
  /** Datagrams per second of all agents together. */
  readonly rate: number;
  readonly seconds: number;
  /** Of each inner packet. */
  readonly bytes: number;
  readonly agents: number;
}

export interface Run extends RunResult {
  /** Of the datagrams offered. */
  readonly lostPart: number;
  /** Where datagrams went that did not arrive, as far as anybody counted them. */
  readonly losses: readonly Loss[];
}

export interface Loss {
  readonly where: string;
  /** Of packets, where a socket lost them; else of datagrams. */
  readonly count: number;
}

export interface Round extends Run {
  /** Of the relay, for each datagram that arrived; NaN when none did. */
  readonly cpuUs: number;
  /** Of quiche alone, before and after. */
  readonly hopUs: number;
  readonly ratio: number;
}

export class Bed implements AsyncDisposable {
  readonly relay: RelayProcess;
  readonly driver: DriverProcess;
  readonly #pki: BenchPki;

  private constructor(pki: BenchPki, relay: RelayProcess, driver: DriverProcess) {
    this.#pki = pki;
    this.relay = relay;
    this.driver = driver;
  }

  /** One connector and `agents` agents, and everything compiled that a run needs. */
  static async start(pki: BenchPki, agents: number, ...flags: readonly string[]): Promise<Bed> {
    const relay = await RelayProcess.start(pki, ...flags);
    const driver = await DriverProcess.start(relay.port);
    await driver.command(`open ${agents}`);
    await driver.command(`run ${WARM_UP_RATE} 2 1200 ${agents}`);
    return new Bed(pki, relay, driver);
  }

  /** Opens connections that say nothing; returns what came of it. */
  async idle(count: number): Promise<{ perSecond: number; cpuUs: number; kib: number }> {
    const [cpu, memory] = [this.relay.cpuUs(), this.relay.residentKib()];
    const { perSecond } = await this.driver.command<{ perSecond: number }>(`idle ${count}`);
    const cpuUs = (this.relay.cpuUs() - cpu) / count;
    return { perSecond, cpuUs, kib: (this.relay.residentKib() - memory) / count };
  }

  /** Throws when the relay has lost count of a packet or a datagram. */
  async round({ rate, seconds, bytes, agents }: Load): Promise<Round> {
    const hopBefore = measureHop(this.#pki, bytes, HOP_DATAGRAMS);
    const before = this.relay.cpuUs();
    const run = await this.run({ rate, seconds, bytes, agents });
    const cpuUs = run.received === 0 ? Number.NaN : (this.relay.cpuUs() - before) / run.received;
    const hopUs = (hopBefore + measureHop(this.#pki, bytes, HOP_DATAGRAMS)) / 2;
    await this.relay.checkAccounts();
    return { ...run, cpuUs, hopUs, ratio: cpuUs / hopUs };
  }

  /** Load alone, and what became of it. */
  async run({ rate, seconds, bytes, agents }: Load): Promise<Run> {
    const before = await this.relay.drops();
    const run = await this.driver.command<RunResult>(`run ${rate} ${seconds} ${bytes} ${agents}`);
    const losses = [
      { where: "driver, before QUIC", count: run.refused + run.stuck },
      { where: "driver's socket", count: run.kernelDrops },
    ];
    for (const [where, count] of await this.relay.drops()) {
      losses.push({ where, count: count - (before.get(where) ?? 0) });
    }
    const found = losses.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
    return { ...run, lostPart: (run.sent - run.received) / run.sent, losses: found };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
  }
}

const WARM_UP_RATE = 20_000;
const HOP_DATAGRAMS = 20_000;
