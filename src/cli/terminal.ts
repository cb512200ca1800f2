// What a command may know of the process that runs it. Commands are functions of arguments and a Terminal, so tests
// call them without a process; nothing else in the program reads argv or the environment.

export interface Terminal {
  /** Data. */
  out(text: string): void;
  /** Prose and logs. */
  err(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** All of standard input, for secrets and manifests. */
  readInput(): Promise<string>;
  /** Standard input line by line, as it comes, for a person at a prompt. */
  readLines(): AsyncIterable<string>;
}

/** The arguments after the command's name; the number is the exit code. A CommandError is the other way out. */
export type Run = (args: readonly string[], terminal: Terminal) => Promise<number>;

export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    environment: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    readInput: () => Bun.stdin.text(),
    readLines: () => linesOf(Bun.stdin.stream()),
  };
}

/** Resolves when everything written so far has left the process, so that an exit cuts nothing off. */
export async function flushOutput(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))),
  );
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
