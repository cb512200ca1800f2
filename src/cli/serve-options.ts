// The options of `ztna serve`, and the settings that they amount to. Contradictions end here.
import type { AdmissionLimits } from "../quic/admission.ts";
import type { ClientAuth } from "../quic/settings.ts";
import type { RelayLimits, RelayOptions } from "../relay/options.ts";
import { CONTROL_OPTION } from "./control-directory.ts";
import {
  FILE_OPTIONS,
  LOG_OPTIONS,
  OPEN_KEYS_OPTION,
  PACKET_OPTIONS,
  PROCESS_OPTIONS,
  statusOptions,
} from "./daemon-options.ts";
import { UsageError } from "./errors.ts";
import { choice, count, file, ip, list, listenAddress, port, toggle } from "./option-kinds.ts";
import { type CommandSpec, flag, type Option, option, optional, type Settings } from "./options.ts";

const CREDENTIALS = "Credentials";
const LIMITS = "Limits";

function limit(preset: number, help: string, least = 1): Option<number> {
  return option(count(least, 1e12), { default: preset, help, group: LIMITS });
}

export const SERVE_OPTIONS = {
  port: option(port, { default: 4433, help: "UDP port; 0: any free one", group: "Network" }),
  bind: option(list(listenAddress), {
    default: [{ host: "0.0.0.0", port: undefined }],
    help: "where to listen; [::] takes IPv4 too",
    keys: ["bind_addr"],
    group: "Network",
  }),
  externalIp: optional(ip, { help: "public address of a host behind 1:1 NAT", group: "Network" }),
  disableRetry: flag("accept connections without validating their address first", { group: "Network" }),
  ...PACKET_OPTIONS,

  cert: option(file, {
    default: "certs/cert.pem",
    help: "own certificate chain",
    keys: ["cert_path"],
    group: CREDENTIALS,
  }),
  key: option(file, { default: "certs/key.pem", help: "its private key", keys: ["key_path"], group: CREDENTIALS }),
  caCert: optional(file, {
    help: "CA that clients' certificates must come from",
    keys: ["ca_cert_path"],
    group: CREDENTIALS,
  }),
  crl: optional(file, {
    help: "revocation lists of that CA: whose certificate is in one is turned away",
    group: CREDENTIALS,
  }),
  requireClientCert: optional(toggle, { help: "demand client certificates, as --ca-cert does", group: CREDENTIALS }),
  verifyPeer: option(toggle, { default: true, help: "ask clients for no certificate", group: CREDENTIALS }),
  insecureNoClientAuth: flag("let clients in without a certificate: anybody may then register any service", {
    group: CREDENTIALS,
  }),
  allowLegacyCerts: flag("give certificates without a ZTNA name every right, as the reference does", {
    group: CREDENTIALS,
  }),
  ...OPEN_KEYS_OPTION,
  takeover: option(choice("pool", "replace", "deny"), {
    default: "pool",
    help: "when a second connector registers a service: share it, replace the first, refuse",
    group: CREDENTIALS,
  }),

  ...statusOptions(9090),
  ...CONTROL_OPTION,

  maxConnections: limit(65_536, "connections in all"),
  maxConnectionsPerPrefix: limit(8192, "connections of one /24 or /64"),
  maxHalfOpen: limit(4096, "handshakes under way"),
  maxHandshakesPerSecond: limit(1000, "new handshakes per second of one /24 or /64"),
  maxRetriesPerSecond: limit(20_000, "Retry answers per second in all"),
  maxServicesPerConnection: limit(64, "registrations held by one connection"),
  maxRegistrationsPerSecond: limit(20, "registrations per second of one connection"),
  maxRegistrationsPerIdentity: limit(16_384, "registrations held by one identity"),
  maxConnectorsPerService: limit(64, "connectors of one service"),
  maxServices: limit(16_384, "services in use"),
  maxDatagramsPerSecond: limit(200_000, "datagrams per second of one connection; 0: any", 0),
  maxBytesPerSecond: limit(250_000_000, "bytes per second of one connection; 0: any", 0),
  maxAddressesPerConnection: limit(16, "inner addresses of one agent"),
  maxAddresses: limit(65_536, "inner addresses of all agents"),

  ...PROCESS_OPTIONS,
  ...LOG_OPTIONS,
  ...FILE_OPTIONS,
} as const;

export const SERVE: CommandSpec<typeof SERVE_OPTIONS> = {
  command: "serve",
  summary: "the relay, on a public host",
  options: SERVE_OPTIONS,
  positionals: ["port", "cert", "key", "bind", "externalIp"],
  examples: [
    "ztna serve --cert server.crt --key server.key --ca-cert ca.pem",
    "ztna serve --config /etc/ztna/intermediate.json --check",
    "ztna serve --bind 192.0.2.10 --bind '[2001:db8::10]' --cert server.crt --key server.key --ca-cert ca.pem",
  ],
  file: { defaultPaths: ["/etc/ztna/intermediate.json", "intermediate.json"], style: "snake_case" },
};

export type ServeSettings = Settings<typeof SERVE_OPTIONS>;

/** Who is let in. Throws when the options contradict each other, or ask for an open relay without saying so. */
export function clientAuthOf(settings: ServeSettings): ClientAuth {
  const { caCert, crl, requireClientCert, verifyPeer, insecureNoClientAuth } = settings.values;
  if (requireClientCert && !verifyPeer) {
    const message =
      "client certificates cannot be both demanded (require-client-cert) and not asked for (no-verify-peer)";
    throw settings.conflict(message, "requireClientCert", "verifyPeer");
  }
  if (requireClientCert && insecureNoClientAuth) {
    const message =
      "client certificates cannot be both demanded (require-client-cert) and optional (insecure-no-client-auth)";
    throw settings.conflict(message, "requireClientCert", "insecureNoClientAuth");
  }
  if (requireClientCert && caCert === undefined) {
    throw settings.conflict(
      "demanding client certificates takes the CA that they come from: give --ca-cert",
      "requireClientCert",
    );
  }
  if (insecureNoClientAuth && caCert !== undefined && verifyPeer) return "optional";
  if (crl !== undefined && (caCert === undefined || !verifyPeer)) {
    throw settings.conflict("revocation takes the CA whose certificates are revoked: give --ca-cert", "crl");
  }
  if (insecureNoClientAuth) return "off";
  if (!verifyPeer) {
    const message = "no-verify-peer opens the relay to everybody; if that is meant, add --insecure-no-client-auth";
    throw settings.conflict(message, "verifyPeer");
  }
  if (caCert === undefined) {
    throw new UsageError(
      "clients need certificates: give their CA with --ca-cert, or open the relay to everybody with --insecure-no-client-auth",
    );
  }
  return "required";
}

export function admissionLimits({ values }: ServeSettings): AdmissionLimits {
  return {
    connections: values.maxConnections,
    connectionsPerPrefix: values.maxConnectionsPerPrefix,
    halfOpen: values.maxHalfOpen,
    handshakesPerSecond: values.maxHandshakesPerSecond,
    prefixes: REMEMBERED_PREFIXES,
  };
}

/** `defaults`: the relay's own, for what has no option. */
export function relayOptions({ values }: ServeSettings, defaults: RelayLimits): RelayOptions {
  const rate = (perSecond: number, burst: number) => (perSecond === 0 ? undefined : { perSecond, burst });
  const perSecond = values.maxRegistrationsPerSecond;
  return {
    takeover: values.takeover,
    policy: { allowLegacyCerts: values.allowLegacyCerts },
    limits: {
      servicesPerConnection: values.maxServicesPerConnection,
      registrations: { perSecond, burst: perSecond * REGISTRATION_BURST_SECONDS },
      registrationsPerIdentity: values.maxRegistrationsPerIdentity,
      connectorsPerService: values.maxConnectorsPerService,
      services: values.maxServices,
      datagrams: rate(values.maxDatagramsPerSecond, values.maxDatagramsPerSecond),
      // The burst has to hold a whole datagram, or none would ever pass.
      bytes: rate(values.maxBytesPerSecond, Math.max(values.maxBytesPerSecond, LARGEST_DATAGRAM)),
      addressesPerConnection: values.maxAddressesPerConnection,
      addresses: values.maxAddresses,
      answers: defaults.answers,
    },
  };
}

/** Protections that are off, by the option that switched them off. */
export function insecurities({ values }: ServeSettings): readonly string[] {
  const open = values.insecureNoClientAuth ? ["insecure-no-client-auth"] : [];
  return values.allowLegacyCerts ? [...open, "allow-legacy-certs"] : open;
}

/** Sources whose rate is remembered. */
const REMEMBERED_PREFIXES = 65_536;
const REGISTRATION_BURST_SECONDS = 5;
const LARGEST_DATAGRAM = 1500;
