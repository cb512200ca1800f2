// Credentials for a benchmark, made at run time.
import type { TlsMaterial } from "../../src/quic/settings.ts";
import { type TestCredential, testPki } from "../support/pki.ts";

export interface BenchPki {
  readonly server: TlsMaterial;
  readonly agent: TlsMaterial;
  readonly connector: TlsMaterial;
  /** What `ztna serve` is given. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly dir: string;
}

export async function benchPki(): Promise<BenchPki> {
  const pki = await testPki();
  const material = (credential: TestCredential): TlsMaterial => ({
    ca: bytes(pki.ca.certPem),
    certChain: bytes(credential.certPem),
    key: bytes(credential.keyPem),
  });
  const { certFile: cert, keyFile: key } = pki.server;
  return {
    server: material(pki.server),
    agent: material(pki.agentForAll),
    connector: material(pki.connectorForAll),
    files: { ca: pki.ca.certFile, cert, key },
    dir: pki.dir,
  };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
