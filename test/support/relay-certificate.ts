// The certificate of a running relay: files that a test may replace, and what a new handshake shows.
import { renameSync, writeFileSync } from "node:fs";
import { loopbackPeer } from "./loopback-peer.ts";
import { type TestCredential, testPki } from "./pki.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface ReplaceableFiles extends Disposable {
  readonly cert: string;
  readonly key: string;
  /** The flags that name them. */
  readonly args: readonly string[];
  install(credential: TestCredential): void;
}

/** A copy of the credential. */
export function replaceableFiles(credential: TestCredential): ReplaceableFiles {
  const directory = temporaryDirectory();
  const cert = directory.write("relay.crt", credential.certPem);
  const key = directory.write("relay.key", credential.keyPem);
  return {
    cert,
    key,
    args: ["--cert", cert, "--key", key],
    install: ({ certPem, keyPem }) => {
      writeFileSync(`${cert}.new`, certPem);
      writeFileSync(`${key}.new`, keyPem, { mode: 0o600 });
      renameSync(`${cert}.new`, cert);
      renameSync(`${key}.new`, key);
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/** The serial number that a new handshake shows. */
export async function serialShown(port: number, host?: string): Promise<string> {
  const pki = await testPki();
  using peer = await loopbackPeer({ ca: pki.ca, credential: pki.agent, host });
  const { identity } = await peer.connect(port);
  return identity.kind === "certificate" ? identity.serial : "none";
}
