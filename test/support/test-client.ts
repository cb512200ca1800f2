// The compiled test client, run to its end against a relay on loopback.
import { BINARY } from "./binary.ts";
import { type TestCredential, testPki } from "./pki.ts";
import { type Ended, runProcess } from "./process.ts";

export interface ClientRun {
  readonly port: number;
  /** An empty directory. */
  readonly cwd: string;
  /** None: no certificate is presented. */
  readonly credential?: TestCredential | undefined;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** The relay is verified against the test PKI's CA unless the flags say otherwise. */
export async function testClient(run: ClientRun, ...flags: readonly string[]): Promise<Ended> {
  const { port, cwd, credential, input, timeoutMs = 60_000 } = run;
  const pki = await testPki();
  const own =
    credential === undefined ? [] : ["--client-cert", credential.certFile, "--client-key", credential.keyFile];
  const command = [
    BINARY,
    "test-client",
    "--server",
    `127.0.0.1:${port}`,
    "--ca-cert",
    pki.ca.certFile,
    ...own,
    ...flags,
  ];
  return runProcess(command, { cwd, timeoutMs, ...(input === undefined ? {} : { input }) });
}

/** The value of an output line such as `LOST:0`. */
export function figure({ stdout }: Ended, name: string): number | undefined {
  const text = new RegExp(`^${name}:(\\d+)$`, "m").exec(stdout)?.[1];
  return text === undefined ? undefined : Number(text);
}

/** What came in, from the lines RECV:HEX. */
export function received({ stdout }: Ended): readonly string[] {
  return [...stdout.matchAll(/^RECV:([0-9a-f]*)$/gm)].map(([, hex]) => hex ?? "");
}
