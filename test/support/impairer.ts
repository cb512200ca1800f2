// The impairer as tests hold it: starts the process, waits until its sockets are open, changes what the paths are like
// and reads their counters.
import type { Millis } from "../../src/core/machine.ts";
import type { BindAddress } from "../../src/runtime/udp-socket.ts";
import type { PathConditions, PathCounters } from "./impaired-link.ts";
import type { PathDirection } from "./impaired-path.ts";
import { type RunningProcess, source, startProcess } from "./process.ts";

export interface ImpairerOptions {
  /** Put in front of the command: for instance to run it in a network namespace. */
  readonly prefix?: readonly string[];
  readonly seed?: number;
  /** By name: where clients send to, and where that goes. */
  readonly paths: Readonly<Record<string, { readonly listen: BindAddress; readonly target: BindAddress }>>;
}

/** All paths, both directions, unless it says which. */
interface Where {
  readonly path?: string;
  readonly direction?: PathDirection;
}

export type ImpairerCommand = Where & { readonly id: number } & (
    | { readonly type: "set"; readonly conditions: Partial<PathConditions> }
    | { readonly type: "black-out"; readonly ms: Millis }
    | { readonly type: "report" }
  );

export type PathReport = Readonly<Record<PathDirection, PathCounters>> & { readonly kernelDrops: number };

export interface ImpairerReport {
  readonly reports: Readonly<Record<string, PathReport>>;
  readonly cpuMs: number;
}

export class Impairer implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly #ports: ReadonlyMap<string, number>;
  #commands = 0;

  static async start({ prefix = [], seed = 1, paths }: ImpairerOptions): Promise<Impairer> {
    const named = Object.entries(paths).map(([name, path], index) => ({ name, ...path, seed: seed + 2 * index }));
    const command = [...prefix, ...source("test/support/impairer-process.ts", JSON.stringify(named))];
    const process = startProcess(command, { stdin: true, name: "impairer" });
    await process.line(/^ready$/);
    const ports = [...process.stdout.matchAll(/^path (\S+) (\d+)$/gm)].map(([, name = "", port]) => [
      name,
      Number(port),
    ]);
    return new Impairer(process, new Map(ports as [string, number][]));
  }

  private constructor(process: RunningProcess, ports: ReadonlyMap<string, number>) {
    this.#process = process;
    this.#ports = ports;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Where the clients of this path send to. */
  port(path: string): number {
    const port = this.#ports.get(path);
    if (port === undefined) throw new Error(`no path is named ${path}`);
    return port;
  }

  /** For packets from now on; what is not named stays as it is. */
  set(conditions: Partial<PathConditions>, where: Where = {}): Promise<ImpairerReport> {
    return this.#perform({ type: "set", conditions, ...where });
  }

  /** Loses everything for so long, from now on. */
  blackOut(ms: Millis, where: Where = {}): Promise<ImpairerReport> {
    return this.#perform({ type: "black-out", ms, ...where });
  }

  report(): Promise<ImpairerReport> {
    return this.#perform({ type: "report" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.closeInput();
    await this.#process.ended;
  }

  async #perform(command: DistributiveOmit<ImpairerCommand, "id">): Promise<ImpairerReport> {
    const id = ++this.#commands;
    this.#process.write(`${JSON.stringify({ ...command, id })}\n`);
    const { input } = await this.#process.line(new RegExp(`^\\{"id":${id},.*`));
    return JSON.parse(input);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
