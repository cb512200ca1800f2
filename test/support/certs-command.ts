// `ztna certs` called as a function, and an authority made by it in a directory of its own.
import { join } from "node:path";
import { main } from "../../src/cli/main.ts";
import type { Leaf } from "../../src/identity/certificate.ts";
import { readCertificates } from "../../src/pki/key-material.ts";
import { recordingTerminal } from "./recording-terminal.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function certs(...args: readonly string[]): Promise<Outcome> {
  const terminal = recordingTerminal();
  const status = await main(["certs", ...args], terminal);
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

export async function authority(): Promise<{ readonly dir: string } & Disposable> {
  const directory = temporaryDirectory();
  const dir = join(directory.path, "certs");
  const made = await certs("init", "--dir", dir);
  if (made.status !== 0) throw new Error(made.stderr);
  return { dir, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

/** What the certificate of this name says. */
export function leafIn(dir: string, name: string): Leaf {
  const [leaf] = readCertificates(join(dir, `${name}.crt`));
  if (leaf === undefined) throw new Error(`${name} holds nothing`);
  return leaf.facts;
}
