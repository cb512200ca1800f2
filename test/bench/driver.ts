// The driver of a benchmark: a process of its own that is one connector, all agents and all idle connections, with
// quiche and batched I/O but no role. It takes numbered commands on standard input and answers each with its number and
// a line of JSON.
//   open AGENTS                    one connector and so many agents, registered
//   idle N                         N further agents that say nothing but that they live
//   run RATE SECONDS BYTES AGENTS  paced load from the first AGENTS agents, and what arrived at the connector
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { NativeConfig } from "../../src/quic/native.ts";
import { clientConfig } from "../../src/quic/settings.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { BENCH_SERVICE, type DriverLink, SENT_AT } from "./driver-link.ts";
import { DriverLinks } from "./driver-links.ts";

export interface DriverConfig {
  readonly relay: { readonly host: string; readonly port: number };
  readonly ca: string;
  readonly agent: { readonly cert: string; readonly key: string };
  readonly connector: { readonly cert: string; readonly key: string };
}

export interface RunResult {
  readonly sent: number;
  /** Of those sent: what the driver's own connections did not take. */
  readonly refused: number;
  /** Of those sent: what was still in the driver's queues when nothing more arrived. */
  readonly stuck: number;
  /** Packets from the relay that the driver's socket had no room for. */
  readonly kernelDrops: number;
  readonly received: number;
  readonly seconds: number;
  /** One way, agent to connector, from the tick that offered it to the turn that read it. */
  readonly p50Us: number;
  readonly p99Us: number;
}

class Driver {
  readonly #links: DriverLinks;
  readonly #configs: { readonly agent: NativeConfig; readonly connector: NativeConfig };
  #connector: DriverLink | undefined;
  #agents: DriverLink[] = [];

  constructor(config: DriverConfig) {
    this.#links = new DriverLinks(config.relay);
    this.#configs = {
      agent: configOf(config.ca, config.agent),
      connector: configOf(config.ca, config.connector),
    };
  }

  open(): Promise<void> {
    return this.#links.open();
  }

  async carryOut(command: string, numbers: readonly number[]): Promise<unknown> {
    const [first = 0, second = 0, third = 0, fourth = 1] = numbers;
    switch (command) {
      case "open":
        [this.#connector] = await this.#register("connector", 1);
        this.#agents = await this.#register("agent", first);
        return {};
      case "idle": {
        const start = performance.now();
        await this.#register("agent", first);
        return { perSecond: (first * 1000) / (performance.now() - start) };
      }
      case "run":
        return this.#run(first, second, third, fourth);
      default:
        throw new Error(`unknown command: ${command}`);
    }
  }

  /** Opens connections, a few at a time, until all are registered. */
  #register(role: "agent" | "connector", count: number): Promise<DriverLink[]> {
    const made: DriverLink[] = [];
    return new Promise((resolve) => {
      let registered = 0;
      this.#links.onTurn = () => {
        while (registered < made.length && made[registered]!.registered) registered++;
        while (made.length < count && made.length - registered < AT_ONCE) {
          made.push(this.#links.add(role, this.#configs[role]));
        }
        if (registered < count) return;
        this.#links.onTurn = () => {};
        resolve(made);
      };
    });
  }

  async #run(rate: number, seconds: number, bytes: number, agents: number): Promise<RunResult> {
    const connector = this.#connector!;
    const [before, dropped] = [connector.received, this.#links.kernelDrops];
    const datagram = loadDatagram(bytes);
    this.#links.delays.clear();
    const { offered, refused, ms } = await this.#links.run({
      agents: this.#agents.slice(0, agents),
      datagram,
      sentAt: datagram.length - bytes + SENT_AT,
      rate,
      ms: seconds * 1000,
    });
    await this.#settled(connector);
    if (this.#links.lost !== undefined) throw new Error(`the driver lost a connection: ${this.#links.lost}`);
    const delays = { p50Us: this.#links.delays.quantile(0.5), p99Us: this.#links.delays.quantile(0.99) };
    const stuck = this.#links.waiting;
    const received = connector.received - before;
    const kernelDrops = this.#links.kernelDrops - dropped;
    return { sent: offered, refused, stuck, kernelDrops, received, seconds: ms / 1000, ...delays };
  }

  /** Until nothing has arrived for a while, so that no round counts what the one before it had offered. */
  async #settled(connector: DriverLink): Promise<void> {
    let seen = -1;
    for (let waits = 0; waits < MOST_WAITS && seen !== connector.received; waits++) {
      seen = connector.received;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }
}

/** A routed datagram whose inner packet has `bytes` bytes in all. */
function loadDatagram(bytes: number): Uint8Array {
  const flow = { source: 0x64400001, sourcePort: 40_000, destination: 0x0a640001, destinationPort: 9 };
  return encodeRouted(BENCH_SERVICE, encodeUdp({ ...flow, payload: new Uint8Array(Math.max(0, bytes - 28)) }));
}

function configOf(ca: string, files: { readonly cert: string; readonly key: string }): NativeConfig {
  const read = (path: string) => new Uint8Array(readFileSync(path));
  return clientConfig({ verifyPeer: true, tls: { ca: read(ca), certChain: read(files.cert), key: read(files.key) } });
}

const AT_ONCE = 16;
/** Longer than the relay keeps a datagram. */
const SETTLE_MS = 500;
const MOST_WAITS = 20;

const driver = new Driver(JSON.parse(process.argv[2] ?? "{}") as DriverConfig);
await driver.open();
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [number, command = "", ...numbers] = line.split(" ");
  const answer = await driver.carryOut(command, numbers.map(Number)).catch(({ message }) => ({ error: message }));
  console.log(`${number} ${JSON.stringify(answer)}`);
}
process.exit(0);
