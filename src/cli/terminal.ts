// What a command may know of the process that runs it. Commands are functions of arguments and a Terminal, so tests
// call them without a process; nothing else in the program reads argv or the environment.
import { fstatSync, readlinkSync, writeSync } from "node:fs";

export interface Terminal {
  /** Data. */
  out(text: string): void;
  /** Prose and logs. */
  err(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** The file that the data is redirected into, where that is known. */
  outFile?(): string | undefined;
  /** All of standard input, for secrets and manifests; undefined when it is more than `limit` bytes. */
  readInput(limit: number): Promise<Uint8Array | undefined>;
  /** Standard input line by line, as it comes, for a person at a prompt. */
  readLines(): AsyncIterable<string>;
}

/** The arguments after the command's name; the number is the exit code. A CommandError is the other way out. */
export type Run = (args: readonly string[], terminal: Terminal) => Promise<number>;

export function processTerminal(): Terminal {
  return {
    out: writeOut,
    err: (text) => write("stderr", text),
    environment: process.env,
    get outIsTerminal() {
      return opened("stdout").isTTY === true;
    },
    get errIsTerminal() {
      return opened("stderr").isTTY === true;
    },
    outFile: redirection,
    readInput: (limit) => readBounded(Bun.stdin.stream(), limit),
    readLines: () => linesOf(Bun.stdin.stream()),
  };
}

/** Linux tells; elsewhere nobody knows. */
function redirection(): string | undefined {
  try {
    return fstatSync(1).isFile() ? readlinkSync("/proc/self/fd/1") : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Resolves when everything written so far has left the process, so that an exit cuts nothing off; with the system's code
 * when something could not be written, unless whoever reads has gone.
 */
export async function flushOutput(): Promise<string | undefined> {
  if (unwritten > 0) await new Promise<void>((done) => waiting.push(done));
  return lost;
}

/** The callback of an empty write says nothing about those before it: each is counted until it has been written. */
function write(name: "stdout" | "stderr", data: string | Uint8Array): void {
  unwritten++;
  opened(name).write(data, (error) => {
    unwritten--;
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code !== undefined && code !== "EPIPE") lost = code;
    if (unwritten === 0) for (const done of waiting.splice(0)) done();
  });
}

/** A short text at the beginning goes straight out: to open the stream takes longer than all else that --help does. */
function writeOut(text: string): void {
  if (!streams.has("stdout") && text.length <= SHORT) {
    try {
      const bytes = Buffer.from(text);
      const written = writeSync(1, bytes);
      if (written < bytes.length) write("stdout", bytes.subarray(written));
      return;
    } catch {
      // Whoever reads is slow or gone, which the stream can deal with.
    }
  }
  write("stdout", text);
}

/** Streams are opened by the first use of them. */
function opened(name: "stdout" | "stderr"): NodeJS.WriteStream {
  streams.add(name);
  return process[name];
}

const streams = new Set<"stdout" | "stderr">();
let unwritten = 0;
let lost: string | undefined;
const waiting: (() => void)[] = [];
/** An empty pipe takes it. */
const SHORT = 16_384;

/** The rest of a stream that has too much is not read. */
export async function readBounded(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Without their ends; a last one may lack it. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
