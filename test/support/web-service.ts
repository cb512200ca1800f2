// A relay, a connector of the service `web` and the echo behind it, for a file of tests about what clients meet there.
import { requireBinary } from "./binary.ts";
import { type Daemon, startConnector, startRelay } from "./daemons.ts";
import { type Echo, openEcho } from "./echo-fixture.ts";
import { type TestCredential, testPki } from "./pki.ts";
import type { Ended } from "./process.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { testClient } from "./test-client.ts";

/** Flags that reach the service: its virtual address is 10.100.0.1. */
export const TO_WEB = ["--service", "web", "--dst", "10.100.0.1:9999"] as const;

export interface WebService extends AsyncDisposable {
  readonly relay: Daemon;
  readonly echo: Echo;
  /** An empty directory. */
  readonly cwd: string;
  /** The test client as an agent of `web`, unless another credential is given. */
  client(flags: readonly string[], credential?: TestCredential): Promise<Ended>;
}

export async function startWebService(): Promise<WebService> {
  requireBinary();
  const pki = await testPki();
  const directory = temporaryDirectory();
  const cwd = directory.path;
  const echo = await openEcho();
  const relay = await startRelay({ cwd });
  const flags = ["--service", "web", "--service-ip", "10.100.0.1", "--forward", `127.0.0.1:${echo.port}`];
  const connector = await startConnector(relay, "web", { cwd, flags });
  return {
    relay,
    echo,
    cwd,
    client: (given, credential = pki.agent) => testClient({ port: relay.port, cwd, credential }, ...given),
    async [Symbol.asyncDispose]() {
      await connector[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
      echo.close();
      directory[Symbol.dispose]();
    },
  };
}
