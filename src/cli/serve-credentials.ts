// What the relay proves, whom it believes and whom no more: read from files, checked before a port is bound.
import { loadOwnCredentials, loadTrustAnchors, type OwnCredentials, type TrustAnchors } from "../pki/credentials.ts";
import { loadRevocations, type Revocations } from "../pki/revocation.ts";
import type { ServerSettings } from "../quic/settings.ts";
import type { CertificateDate } from "../runtime/metrics-page.ts";
import { clientAuthOf, type ServeSettings } from "./serve-options.ts";

export interface RelayCredentials {
  readonly own: OwnCredentials;
  readonly anchors: TrustAnchors | undefined;
  readonly revocations: Revocations | undefined;
  readonly warnings: readonly string[];
}

export function loadRelayCredentials(settings: ServeSettings): RelayCredentials {
  const { cert, key, caCert, crl, allowOpenKeys } = settings.values;
  const wallNow = Date.now();
  const own = loadOwnCredentials({ certificate: cert, key }, "server", { allowOpenKeys }, wallNow);
  const anchors =
    caCert === undefined || clientAuthOf(settings) === "off" ? undefined : loadTrustAnchors(caCert, wallNow);
  const revocations =
    crl === undefined || anchors === undefined ? undefined : loadRevocations(crl, anchors.certificates, wallNow);
  const warnings = [own, anchors, revocations].flatMap((loaded) => loaded?.warnings ?? []);
  return { own, anchors, revocations, warnings };
}

export function serverSettings(
  settings: ServeSettings,
  { own, anchors, revocations }: RelayCredentials,
): ServerSettings {
  const tls = { certChain: own.certChain, key: own.key, ca: anchors?.ca };
  return { clientAuth: clientAuthOf(settings), tls, revocations, congestion: settings.values.congestion };
}

export function relayDates({ own, anchors }: RelayCredentials): readonly CertificateDate[] {
  const dates = [{ certificate: "server", notAfter: own.notAfter }];
  return anchors === undefined ? dates : [...dates, { certificate: "ca", notAfter: anchors.notAfter }];
}

export function watchedFiles({ values: { cert, key, caCert, crl }, file }: ServeSettings): readonly string[] {
  return [cert, key, caCert, crl, file].filter((path) => path !== undefined);
}
