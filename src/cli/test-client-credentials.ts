// The credentials of `ztna test-client`. Its own certificate is presented whatever is wrong with it, because a test of
// the relay's judgement needs bad ones; only files that cannot be used at all are refused here.
import { checkLeaf } from "../identity/leaf-policy.ts";
import { CredentialFault } from "../pki/credential-fault.ts";
import { loadTrustAnchors } from "../pki/credentials.ts";
import { encodeCertificates, matches, readCertificates, readKey } from "../pki/key-material.ts";
import type { CongestionController } from "../quic/congestion.ts";
import type { ClientSettings, TlsMaterial } from "../quic/settings.ts";
import { warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface CredentialOptions {
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
  readonly caCert: string | undefined;
  readonly allowOpenKeys: boolean;
  readonly alpn: string | undefined;
  readonly congestion: CongestionController;
}

/** Throws a CredentialFault that names the file. */
export function clientSettings(options: CredentialOptions, terminal: Terminal): ClientSettings {
  const { clientCert, clientKey, caCert, allowOpenKeys, alpn, congestion } = options;
  const own =
    clientCert === undefined || clientKey === undefined
      ? undefined
      : ownCredentials(clientCert, clientKey, allowOpenKeys, terminal);
  if (own === undefined && clientCert !== clientKey) {
    warn(terminal, "--client-cert and --client-key have an effect only together; none is presented");
  }
  const anchors = caCert === undefined ? undefined : loadTrustAnchors(caCert, Date.now());
  for (const warning of anchors?.warnings ?? []) warn(terminal, warning);
  if (anchors === undefined) warn(terminal, "without --ca-cert the relay is not verified: anyone can pose as it");
  return {
    tls: { ...own, ca: anchors?.ca },
    verifyPeer: anchors !== undefined,
    congestion,
    ...(alpn === undefined ? {} : { alpn }),
  };
}

function ownCredentials(certFile: string, keyFile: string, allowOpenKeys: boolean, terminal: Terminal): TlsMaterial {
  const chain = readCertificates(certFile);
  const { key, warnings } = readKey(keyFile, { allowOpenKeys });
  for (const warning of warnings) warn(terminal, warning);
  const [leaf] = chain;
  if (leaf === undefined || !matches(leaf, key)) {
    throw new CredentialFault(
      "mismatch",
      keyFile,
      `is not the key of ${certFile}; give the two that were issued together`,
    );
  }
  const fault = checkLeaf(leaf.facts, "client", Date.now());
  if (fault !== undefined) warn(terminal, `${certFile} is presented as it is: ${fault}`);
  return {
    certChain: encodeCertificates(chain),
    key: new TextEncoder().encode(key.export({ type: "pkcs8", format: "pem" }).toString()),
  };
}
