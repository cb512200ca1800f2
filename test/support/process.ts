// Real processes for tests: start one, await a line that it prints, end it by its handle. Nothing here sleeps or polls.
import { dirname, join } from "node:path";

export type OutputStream = "stdout" | "stderr";

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to the environment that the test itself has; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Keep standard input open for write(); otherwise the process reads an empty one. */
  readonly stdin?: boolean;
  /** Shows in error messages; default: the program's name. */
  readonly name?: string;
}

export interface LineOptions {
  /** Default: whichever stream has it first. */
  readonly stream?: OutputStream;
  readonly timeoutMs?: number;
}

export interface Ended {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Everything printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** The first line that matches, also among those already printed. Rejects when the process ends or time runs out. */
  line(pattern: RegExp, options?: LineOptions): Promise<RegExpExecArray>;
  write(text: string): void;
  closeInput(): void;
  signal(name: NodeJS.Signals): void;
  /** TERM, then KILL when it does not end in time. Harmless on a process that has ended. */
  end(signal?: NodeJS.Signals, graceMs?: number): Promise<Ended>;
}

/** The repository, to build a path to a source file or a fixture. */
export const ROOT: string = dirname(dirname(import.meta.dir));

/** How to run a TypeScript file of the repository as a process of its own. */
export function source(path: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, join(ROOT, path), ...args];
}

export function startProcess(command: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdin: options.stdin === true ? "pipe" : "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = new Output(options.name ?? command.slice(0, 2).join(" "));
  const read = Promise.all([output.read("stdout", child.stdout), output.read("stderr", child.stderr)]);
  const ended = Promise.all([child.exited, read]).then((): Ended => {
    output.close();
    const { signalCode, exitCode } = child;
    return {
      status: signalCode === null ? (exitCode ?? undefined) : undefined,
      signal: signalCode === null ? undefined : String(signalCode),
      stdout: output.text.stdout,
      stderr: output.text.stderr,
    };
  });
  const input = () => {
    const sink = child.stdin;
    if (sink === undefined) throw new Error("started without `stdin: true`");
    return sink;
  };
  const end = async (signal: NodeJS.Signals = "SIGTERM", graceMs = GRACE_MS): Promise<Ended> => {
    if (child.exitCode !== null || child.signalCode !== null) return ended;
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    const result = await ended;
    clearTimeout(timer);
    return result;
  };
  return {
    pid: child.pid,
    ended,
    get stdout() {
      return output.text.stdout;
    },
    get stderr() {
      return output.text.stderr;
    },
    line: (pattern, lineOptions) => output.line(pattern, lineOptions),
    write(text) {
      input().write(text);
      input().flush();
    },
    closeInput: () => void input().end(),
    signal: (name) => child.kill(name),
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/** Runs a command that ends by itself; ends it when it does not within `timeoutMs`, which is an error. */
export async function runProcess(
  command: readonly string[],
  options: ProcessOptions & { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  const running = startProcess(command, { ...options, stdin: options.input !== undefined });
  if (options.input !== undefined) {
    running.write(options.input);
    running.closeInput();
  }
  const timeoutMs = options.timeoutMs ?? RUN_MS;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.signal("SIGKILL");
  }, timeoutMs);
  const result = await running.ended;
  clearTimeout(timer);
  if (late) throw new Error(`${command.join(" ")} did not end within ${timeoutMs} ms\n${transcript(result)}`);
  return result;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly stream: OutputStream | undefined;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/** What a process printed, and who waits for a line of it. */
class Output {
  readonly text: Record<OutputStream, string> = { stdout: "", stderr: "" };
  private readonly name: string;
  private readonly lines: { readonly stream: OutputStream; readonly text: string }[] = [];
  private readonly rest: Record<OutputStream, string> = { stdout: "", stderr: "" };
  private readonly waiters = new Set<Waiter>();
  private closed = false;

  constructor(name: string) {
    this.name = name;
  }

  async read(stream: OutputStream, source: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of source) this.add(stream, decoder.decode(chunk, { stream: true }));
    this.add(stream, decoder.decode());
    if (this.rest[stream] !== "") this.take(stream, this.rest[stream]);
  }

  line(pattern: RegExp, options: LineOptions = {}): Promise<RegExpExecArray> {
    const { stream, timeoutMs = LINE_MS } = options;
    for (const line of this.lines) {
      const match = stream === undefined || stream === line.stream ? pattern.exec(line.text) : null;
      if (match !== null) return Promise.resolve(match);
    }
    if (this.closed) return Promise.reject(this.failure(`ended without a line like ${pattern}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(this.failure(`printed no line like ${pattern} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          how(value);
        };
      const waiter: Waiter = { pattern, stream, resolve: settle(resolve), reject: settle(reject) };
      this.waiters.add(waiter);
    });
  }

  close(): void {
    this.closed = true;
    for (const waiter of [...this.waiters]) waiter.reject(this.failure(`ended without a line like ${waiter.pattern}`));
  }

  private add(stream: OutputStream, text: string): void {
    this.text[stream] += text;
    const parts = (this.rest[stream] + text).split("\n");
    this.rest[stream] = parts.pop() ?? "";
    for (const part of parts) this.take(stream, part);
  }

  private take(stream: OutputStream, text: string): void {
    this.lines.push({ stream, text });
    for (const waiter of [...this.waiters]) {
      if (waiter.stream !== undefined && waiter.stream !== stream) continue;
      const match = waiter.pattern.exec(text);
      if (match !== null) waiter.resolve(match);
    }
  }

  private failure(what: string): Error {
    return new Error(`${this.name} ${what}\n${transcript(this.text)}`);
  }
}

function transcript(text: { readonly stdout: string; readonly stderr: string }): string {
  return `--- stdout ---\n${text.stdout.slice(-KEPT)}\n--- stderr ---\n${text.stderr.slice(-KEPT)}`;
}

function environment(changes: ProcessOptions["env"] = {}): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...process.env, ...changes })) {
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

const LINE_MS = 10_000;
const RUN_MS = 30_000;
const GRACE_MS = 5_000;
const KEPT = 4_000;
