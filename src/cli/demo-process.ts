// The demo's child processes: this same program again, started with a clean environment and ended by handle.
import { join } from "node:path";

export interface DemoProcess {
  readonly name: string;
  readonly running: boolean;
  /** What it has printed on standard output so far. */
  readonly output: string;
  /** The end of what it said, on both streams: for the message about a failure. */
  readonly lastLines: string;
  /** Resolves with the first line on either stream that matches; rejects when it ends without one. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once it ends; 128 and more for a signal. */
  readonly exited: Promise<number>;
  /** Ends it; by KILL when it is not gone soon after anything milder. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface DemoProcessOptions {
  readonly name: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Something that was started did not do what it should; the message carries the end of what it said. */
export class DemoFailure extends Error {}

export function startProcess(args: readonly string[], options: DemoProcessOptions): DemoProcess {
  const child = Bun.spawn([...ownCommand(), ...args], {
    cwd: options.directory,
    env: cleanEnvironment(options.environment),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines = new Lines(options.name);
  let output = "";
  const read = Promise.all([
    readText(child.stdout, (text) => {
      output += text;
      lines.add(text, "stdout");
    }),
    readText(child.stderr, (text) => lines.add(text, "stderr")),
  ]);
  const exited = Promise.all([child.exited, read]).then(([code]) => {
    lines.end(code);
    return code;
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    name: options.name,
    get running() {
      return running();
    },
    get output() {
      return output;
    },
    get lastLines() {
      return lines.last;
    },
    exited,
    line: (pattern) => lines.wait(pattern),
    async end(signal = "SIGTERM") {
      if (!running()) return void (await exited);
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The compiled program is one file; from source it is Bun with the entry. */
function ownCommand(): readonly string[] {
  const isCompiled = import.meta.dir.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, join(import.meta.dir, "../../bin/ztna.ts")];
}

/** The operator's own ztna settings, and what changes a compiled program, are not for the demo. */
function cleanEnvironment(environment: DemoProcessOptions["environment"]): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !/^(?:ZTNA_|BUN_BE_BUN$|BUN_OPTIONS$)/.test(name));
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

async function readText(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/** Whole lines of both streams, and who waits for one. */
class Lines {
  readonly #name: string;
  readonly #rest = { stdout: "", stderr: "" };
  readonly #waiters = new Set<Waiter>();
  #seen: string[] = [];
  #endedWith: number | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  add(text: string, stream: "stdout" | "stderr"): void {
    const lines = (this.#rest[stream] + text).split("\n");
    this.#rest[stream] = lines.pop() ?? "";
    this.#seen = [...this.#seen, ...lines].slice(-KEPT_LINES);
    for (const line of lines) this.#tell(line);
  }

  get last(): string {
    return this.#seen.slice(-QUOTED_LINES).join("\n");
  }

  wait(pattern: RegExp): Promise<RegExpExecArray> {
    for (const line of this.#seen) {
      const match = pattern.exec(line);
      if (match !== null) return Promise.resolve(match);
    }
    if (this.#endedWith !== undefined) return Promise.reject(this.#failure(this.#endedWith));
    return new Promise((resolve, reject) => this.#waiters.add({ pattern, resolve, reject }));
  }

  end(code: number): void {
    this.#endedWith = code;
    for (const { reject } of this.#waiters) reject(this.#failure(code));
    this.#waiters.clear();
  }

  #tell(line: string): void {
    for (const waiter of this.#waiters) {
      const match = waiter.pattern.exec(line);
      if (match === null) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }

  #failure(code: number): DemoFailure {
    return new DemoFailure(`${this.#name} ended with status ${code}:\n${this.last}`);
  }
}

const GRACE_MS = 1000;
const KEPT_LINES = 1000;
const QUOTED_LINES = 10;
