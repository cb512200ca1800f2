// The program in the two forms in which it runs: from source, and as the compiled binary.
import { BINARY, requireBinary } from "./binary.ts";
import { source } from "./process.ts";

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  /** Throws when it has to be built first. */
  require(): void;
}

export const PROGRAMS: readonly Program[] = [
  { name: "from source", command: source("bin/ztna.ts"), require: () => {} },
  { name: "compiled", command: [BINARY], require: requireBinary },
];
