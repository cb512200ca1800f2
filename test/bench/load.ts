// The load generator: a process of its own that takes numbered commands on standard input and answers each with
// its number and a line of JSON.
//   connect                    one agent and one connector, registered
//   idle N                     N further agents that say nothing
//   run RATE SECONDS BYTES     paced one-way load from the agent, and what arrived at the connector
//   rtt COUNT                  one 256-byte packet at a time, echoed by the connector
//   handshakes N               N connections, registered, 16 at a time
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { TlsMaterial } from "../../src/quic/settings.ts";
import type { PeerId } from "../../src/tunnel/peer.ts";
import { LoadEnd } from "./load-end.ts";

export interface LoadConfig {
  readonly relay: { readonly host: string; readonly port: number };
  readonly ca: string;
  readonly agent: { readonly cert: string; readonly key: string };
  readonly connector: { readonly cert: string; readonly key: string };
}

export interface RunResult {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
}

async function main(config: LoadConfig): Promise<void> {
  const load = new Load(config);
  await load.open();
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [number, command = "", ...numbers] = line.split(" ");
    console.log(`${number} ${JSON.stringify(await load.carryOut(command, numbers.map(Number)))}`);
  }
  process.exit(0);
}

class Load {
  readonly #agent: LoadEnd;
  readonly #idle: LoadEnd;
  readonly #connector: LoadEnd;
  #peer: PeerId = 0;

  constructor(config: LoadConfig) {
    this.#agent = new LoadEnd("agent", material(config.ca, config.agent), config.relay);
    this.#idle = new LoadEnd("agent", material(config.ca, config.agent), config.relay);
    this.#connector = new LoadEnd("connector", material(config.ca, config.connector), config.relay);
  }

  async open(): Promise<void> {
    for (const end of [this.#agent, this.#idle, this.#connector]) await end.open();
    // Far enough apart not to show, often enough to stay.
    setInterval(() => this.#idle.pingAll(), KEEPALIVE_MS);
  }

  async carryOut(command: string, numbers: readonly number[]): Promise<unknown> {
    const [first = 0, second = 0, third = 0] = numbers;
    switch (command) {
      case "connect":
        await this.#connector.connect();
        this.#peer = await this.#agent.connect();
        return {};
      case "idle":
        return { connected: (await this.#open(first)) > 0 };
      case "run":
        return this.#run(first, second, third);
      case "rtt":
        return this.#roundTrips(first);
      case "handshakes": {
        const seconds = await this.#open(first);
        return { perSecond: first / seconds };
      }
      default:
        throw new Error(`unknown command: ${command}`);
    }
  }

  /** Opens connections, a few at a time; returns the seconds that took. */
  async #open(count: number): Promise<number> {
    const start = performance.now();
    let left = count;
    const worker = async () => {
      while (left-- > 0) await this.#idle.connect();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return (performance.now() - start) / 1000;
  }

  async #run(rate: number, seconds: number, bytes: number): Promise<RunResult> {
    const before = this.#connector.role.counted;
    const over = await this.#agent.work({ type: "run", peer: this.#peer, rate, bytes, ms: seconds * 1000 });
    if (over.type !== "run-over") throw new Error(`unexpected: ${over.type}`);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return { sent: over.sent, received: this.#connector.role.counted - before, seconds: over.ms / 1000 };
  }

  async #roundTrips(count: number): Promise<{ p50: number; p99: number; samples: number }> {
    const over = await this.#agent.work({ type: "round-trips", peer: this.#peer, count });
    if (over.type !== "round-trips-over") throw new Error(`unexpected: ${over.type}`);
    const samples = over.us.toSorted((a, b) => a - b);
    const at = (part: number) => samples[Math.floor(samples.length * part)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), samples: samples.length };
  }
}

function material(ca: string, files: { cert: string; key: string }): TlsMaterial {
  const read = (path: string) => new Uint8Array(readFileSync(path));
  return { ca: read(ca), certChain: read(files.cert), key: read(files.key) };
}

const KEEPALIVE_MS = 10_000;
const AT_ONCE = 16;
/** What is still under way when the last datagram was sent. */
const SETTLE_MS = 200;

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}") as LoadConfig);
