// A relay or a connector whose flags and output are what a test is about: started until it says that it is ready.
// (daemons.ts starts those that a test only needs to have.)
import { createServer } from "node:net";
import { BINARY } from "./binary.ts";
import type { TestCredential, TestPki } from "./pki.ts";
import { type RunningProcess, startProcess } from "./process.ts";

export interface DaemonUnderTest extends RunningProcess {
  /** Of the first UDP socket. */
  readonly port: number;
  readonly statusPort: number;
}

export interface DaemonPlace {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** `ztna serve` on a free port; `args` come last. */
export function serveUnderTest(
  pki: TestPki,
  args: readonly string[] = [],
  place: DaemonPlace = {},
): Promise<DaemonUnderTest> {
  const own = ["--cert", pki.server.certFile, "--key", pki.server.keyFile, "--ca-cert", pki.ca.certFile];
  return start("serve", ["--bind", "127.0.0.1", "--port", "0", ...own, ...args], place);
}

/** `ztna connect` to a relay on loopback, without a service of its own. */
export function connectUnderTest(
  pki: TestPki,
  relayPort: number,
  args: readonly string[],
  credential: TestCredential = pki.connectorForAll,
): Promise<DaemonUnderTest> {
  const own = ["--client-cert", credential.certFile, "--client-key", credential.keyFile, "--ca-cert", pki.ca.certFile];
  return start("connect", ["--server", `127.0.0.1:${relayPort}`, ...own, ...args], {});
}

async function start(name: string, args: readonly string[], place: DaemonPlace): Promise<DaemonUnderTest> {
  const statusPort = await freeTcpPort();
  const command = [BINARY, name, "--metrics-port", String(statusPort), ...args];
  const running = startProcess(command, { name: `ztna ${name}`, ...place });
  const [, port] = await running.line(/^listening \S+:(\d+)$/, { stream: "stderr" });
  await running.line(new RegExp(`^listening 127.0.0.1:${statusPort}$`), { stream: "stderr" });
  // A view of the process, whose output is read anew each time.
  const ports = { port: { value: Number(port) }, statusPort: { value: statusPort } };
  return Object.defineProperties(Object.create(running) as DaemonUnderTest, ports);
}

/** A port that nobody listened on a moment ago. */
export function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
