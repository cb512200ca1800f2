// What a client role proves and what it believes: read from files, checked before anything is opened.
import { loadOwnCredentials, loadTrustAnchors, type OwnCredentials, type TrustAnchors } from "../pki/credentials.ts";
import type { ClientSettings } from "../quic/settings.ts";
import type { CertificateDate } from "../runtime/metrics-page.ts";
import type { CredentialFiles, RelaySettings } from "./client-options.ts";
import type { CONGESTION_OPTION } from "./daemon-options.ts";
import type { Values } from "./options.ts";

export interface ClientCredentials {
  readonly own: OwnCredentials | undefined;
  readonly anchors: TrustAnchors | undefined;
  readonly warnings: readonly string[];
}

export function loadClientCredentials(
  { caCert, verifyPeer, allowOpenKeys }: RelaySettings["values"],
  files: CredentialFiles | undefined,
): ClientCredentials {
  const wallNow = Date.now();
  const own = files && loadOwnCredentials(files, "client", { allowOpenKeys }, wallNow);
  const anchors = caCert === undefined || !verifyPeer ? undefined : loadTrustAnchors(caCert, wallNow);
  return { own, anchors, warnings: [...(own?.warnings ?? []), ...(anchors?.warnings ?? [])] };
}

export function quicSettings(
  { verifyPeer, congestion }: RelaySettings["values"] & Values<typeof CONGESTION_OPTION>,
  { own, anchors }: ClientCredentials,
): ClientSettings {
  return { verifyPeer, congestion, tls: { certChain: own?.certChain, key: own?.key, ca: anchors?.ca } };
}

export function credentialDates({ own, anchors }: ClientCredentials): readonly CertificateDate[] {
  const dates = own === undefined ? [] : [{ certificate: "client", notAfter: own.notAfter }];
  return anchors === undefined ? dates : [...dates, { certificate: "ca", notAfter: anchors.notAfter }];
}

export function credentialPaths({ clientCert, clientKey, caCert }: RelaySettings["values"]): readonly string[] {
  return [clientCert, clientKey, caCert].filter((path) => path !== undefined);
}
