// Talks to the driver.

import { type TestCredential, testPki } from "../support/pki.ts";
import { type RunningProcess, source, startProcess } from "../support/process.ts";
import type { DriverConfig } from "./driver.ts";

export class DriverProcess implements AsyncDisposable {
  readonly #process: RunningProcess;
  #commands = 0;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(relayPort: number): Promise<DriverProcess> {
    const pki = await testPki();
    const files = ({ certFile, keyFile }: TestCredential) => ({ cert: certFile, key: keyFile });
    const config: DriverConfig = {
      relay: { host: "127.0.0.1", port: relayPort },
      ca: pki.ca.certFile,
      agent: files(pki.agentForAll),
      connector: files(pki.connectorForAll),
    };
    const driver = startProcess(source("test/bench/driver.ts", JSON.stringify(config)), { stdin: true });
    await driver.line(/^ready$/);
    return new DriverProcess(driver);
  }

  /** The numbers that the driver answers with. Throws what went wrong there. */
  async command<T>(text: string): Promise<T> {
    const number = ++this.#commands;
    this.#process.write(`${number} ${text}\n`);
    const [, answer = ""] = await this.#process.line(new RegExp(`^${number} (.*)$`), { timeoutMs: COMMAND_MS });
    const found: T & { readonly error?: string } = JSON.parse(answer);
    if (found.error !== undefined) throw new Error(found.error);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}

const COMMAND_MS = 300_000;
