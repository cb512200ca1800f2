// The relay under test: the compiled binary, its CPU time and memory as the kernel counts them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, type RunningProcess, startProcess } from "../support/process.ts";
import type { BenchPki } from "./bench-pki.ts";
import { processorUs } from "./process-time.ts";

export class RelayProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(pki: BenchPki, ...flags: readonly string[]): Promise<RelayProcess> {
    const { ca, cert, key } = pki.files;
    const credentials = ["--ca-cert", ca, "--cert", cert, "--key", key];
    const place = ["--bind", "127.0.0.1", "--port", "0", "--metrics-port", "0"];
    const relay = startProcess([join(ROOT, "dist/ztna"), "serve", ...place, ...credentials, ...flags], {
      cwd: pki.dir,
    });
    const [, port = ""] = await relay.line(/^listening 127\.0\.0\.1:(\d+)$/);
    return new RelayProcess(relay, Number(port));
  }

  /** User and system time since the start, in microseconds. */
  cpuUs(): number {
    return processorUs(this.#process.pid);
  }

  residentKib(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}
