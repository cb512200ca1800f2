// Talks to the load generator.

import { type TestCredential, testPki } from "../support/pki.ts";
import { type RunningProcess, source, startProcess } from "../support/process.ts";
import type { LoadConfig } from "./load.ts";

export class LoadProcess implements AsyncDisposable {
  readonly #process: RunningProcess;
  #commands = 0;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(relayPort: number): Promise<LoadProcess> {
    const pki = await testPki();
    const files = ({ certFile, keyFile }: TestCredential) => ({ cert: certFile, key: keyFile });
    const config: LoadConfig = {
      relay: { host: "127.0.0.1", port: relayPort },
      ca: pki.ca.certFile,
      agent: files(pki.agentForAll),
      connector: files(pki.connectorForAll),
    };
    const load = startProcess(source("test/bench/load.ts", JSON.stringify(config)), { stdin: true });
    await load.line(/^ready$/);
    return new LoadProcess(load);
  }

  /** The numbers that the generator answers with. */
  async command<T>(text: string): Promise<T> {
    const number = ++this.#commands;
    this.#process.write(`${number} ${text}\n`);
    const [, answer = ""] = await this.#process.line(new RegExp(`^${number} (.*)$`), { timeoutMs: COMMAND_MS });
    return JSON.parse(answer) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}

const COMMAND_MS = 300_000;
