// A Terminal that keeps what a command writes, for tests that call commands as functions.
import type { Terminal } from "../../src/cli/terminal.ts";

export interface RecordingTerminal extends Terminal {
  readonly stdout: string;
  readonly stderr: string;
}

export function recordingTerminal(
  environment: Readonly<Record<string, string>> = {},
  input: string | Uint8Array = "",
): RecordingTerminal {
  const bytes = Buffer.from(input);
  let stdout = "";
  let stderr = "";
  return {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    environment,
    outIsTerminal: false,
    errIsTerminal: false,
    readInput: async (limit) => (bytes.length > limit ? undefined : bytes),
    async *readLines() {
      yield* bytes.toString().split("\n").slice(0, -1);
    },
  };
}
