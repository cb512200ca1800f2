// The relay under test: the compiled binary, its CPU time and memory as the kernel counts them, its own accounts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/daemons.ts";
import { type Metrics, scrape } from "../support/metrics.ts";
import { ROOT, type RunningProcess, startProcess } from "../support/process.ts";
import type { BenchPki } from "./bench-pki.ts";
import { processorUs } from "./process-time.ts";

export class RelayProcess implements AsyncDisposable {
  readonly port: number;
  readonly #metricsPort: number;
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess, port: number, metricsPort: number) {
    this.#process = process;
    this.port = port;
    this.#metricsPort = metricsPort;
  }

  static async start(pki: BenchPki, ...flags: readonly string[]): Promise<RelayProcess> {
    const { ca, cert, key } = pki.files;
    const metricsPort = freePort();
    const credentials = ["--ca-cert", ca, "--cert", cert, "--key", key];
    const place = ["--bind", "127.0.0.1", "--port", "0", "--metrics-port", String(metricsPort)];
    const relay = startProcess([join(ROOT, "dist/ztna"), "serve", ...place, ...credentials, ...flags], {
      cwd: pki.dir,
    });
    const [, port = ""] = await relay.line(/^listening 127\.0\.0\.1:(\d+)$/);
    return new RelayProcess(relay, Number(port), metricsPort);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** User and system time since the start, in microseconds. */
  cpuUs(): number {
    return processorUs(this.#process.pid);
  }

  residentKib(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  }

  /** What was dropped so far, by hop and reason. */
  async drops(): Promise<ReadonlyMap<string, number>> {
    const drops = new Map<string, number>();
    for (const [name, count] of (await scrape(this.#metricsPort)).values) {
      const [, hop, reason] = /^ztna_dropped_total\{hop="([^"]*)",reason="([^"]*)"\}$/.exec(name) ?? [];
      if (hop !== undefined && reason !== undefined) drops.set(`relay, ${hop}: ${reason}`, count);
    }
    return drops;
  }

  /** Throws when what came in is not what went on, waits or was dropped for a reason. */
  async checkAccounts(): Promise<void> {
    const metrics = await scrape(this.#metricsPort);
    const value = (name: string) => metrics.values.get(name) ?? 0;
    const packets = value("ztna_packets_received_total") - value("ztna_packets_accepted_total");
    expectEqual("packets received and not accepted", packets, dropped(metrics, "packet"));
    for (const hop of ["agent", "connector", "unregistered"]) {
      const lost = value(`ztna_hop_datagrams_received_total{hop="${hop}"}`);
      const relayed = value(`ztna_hop_datagrams_relayed_total{hop="${hop}"}`);
      expectEqual(`datagrams of hop ${hop} not relayed`, lost - relayed, dropped(metrics, hop));
    }
    const taken = value("ztna_datagrams_taken_total") - value("ztna_datagrams_sent_total");
    const waiting = value("ztna_datagrams_waiting");
    expectEqual("datagrams taken and not sent", taken - waiting, dropped(metrics, "queue"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}

function dropped({ values }: Metrics, hop: string): number {
  const prefix = `ztna_dropped_total{hop="${hop}"`;
  return [...values].reduce((sum, [name, count]) => (name.startsWith(prefix) ? sum + count : sum), 0);
}

function expectEqual(what: string, figure: number, accounted: number): void {
  if (figure !== accounted) throw new Error(`${what}: ${figure}, of which ${accounted} are accounted for`);
}
