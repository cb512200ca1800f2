// Every QUIC setting, once, for both ends. Values that peers can see are those of the reference implementation.
import type { CertificateId } from "../identity/revocation-list.ts";
import { ALPN } from "../wire/tunnel.ts";
import { type CongestionController, DEFAULT_CONGESTION } from "./congestion.ts";
import { type NativeConfig, quiche } from "./native.ts";

/** Credentials as PEM bytes. The caller has checked that they parse and that key and certificate match. */
export interface TlsMaterial {
  /** The only trust anchors; undefined means that the peer cannot be verified. */
  readonly ca?: Uint8Array | undefined;
  /** Own certificate chain, leaf first. */
  readonly certChain?: Uint8Array | undefined;
  readonly key?: Uint8Array | undefined;
}

/** What a server asks of its clients: `optional` verifies a certificate that is presented and admits peers without. */
export type ClientAuth = "required" | "optional" | "off";

export interface Revocations {
  isRevoked(certificate: CertificateId): boolean;
}

export interface ServerSettings {
  readonly tls: TlsMaterial;
  readonly clientAuth: ClientAuth;
  /** Clients' certificates that are no longer good, however well they are signed. */
  readonly revocations?: Revocations | undefined;
  readonly alpn?: string;
  readonly congestion?: CongestionController;
}

export interface ClientSettings {
  readonly tls: TlsMaterial;
  /** Chain, leaf and name are checked. Off only on the operator's explicit word. */
  readonly verifyPeer: boolean;
  readonly alpn?: string;
  readonly congestion?: CongestionController;
}

/** Throws an Error with quiche's word when the material is unusable. */
export function serverConfig(settings: ServerSettings): NativeConfig {
  const { tls, clientAuth } = settings;
  const verify = clientAuth !== "off";
  if (verify && tls.ca === undefined) throw new Error("client authentication needs a client CA");
  const config = tlsConfig(tls, verify);
  // A context built with verification demands a certificate; switching it on again afterwards makes it optional.
  if (clientAuth === "optional") config.verifyPeer(true);
  transport(config, settings);
  // quiche has 128 bytes for its transport parameters. A reset token beside the three ids of a Retry only fits when
  // these two are left out: no peer can use unidirectional streams (they have no window), and 25 ms is the default.
  config.setInitialMaxStreamsUni(0);
  config.setMaxAckDelay(0);
  return config;
}

export function clientConfig(settings: ClientSettings): NativeConfig {
  if (settings.verifyPeer && settings.tls.ca === undefined) throw new Error("verifying the relay needs its CA");
  return transport(tlsConfig(settings.tls, settings.verifyPeer), settings);
}

function tlsConfig(tls: TlsMaterial, verify: boolean): NativeConfig {
  const key = tls.key === undefined ? null : [tls.key];
  const chain = tls.certChain === undefined ? null : [tls.certChain];
  return quiche.Config.withBoringSslCtx(verify, false, verify ? tls.ca : null, key, chain, SIGNATURE_ALGORITHMS);
}

function transport(config: NativeConfig, settings: Pick<ClientSettings, "alpn" | "congestion">): NativeConfig {
  const { alpn = ALPN, congestion = DEFAULT_CONGESTION } = settings;
  config.setApplicationProtos([alpn]);
  config.grease(false);
  config.setMaxIdleTimeout(IDLE_TIMEOUT_MS);
  config.setMaxRecvUdpPayloadSize(MAX_UDP_PAYLOAD);
  config.setMaxSendUdpPayloadSize(MAX_UDP_PAYLOAD);
  config.setInitialMaxData(UNREAD_STREAM_BYTES);
  config.setInitialMaxStreamDataBidiLocal(1_000_000);
  config.setInitialMaxStreamDataBidiRemote(1_000_000);
  config.setInitialMaxStreamsBidi(100);
  config.setInitialMaxStreamsUni(100);
  config.enableDgram(true, RECEIVED_DATAGRAMS, OFFERED_DATAGRAMS);
  config.setActiveConnectionIdLimit(ACTIVE_CONNECTION_IDS);
  config.enablePacing(false);
  config.setCcAlgorithmName(congestion);
  return config;
}

export const IDLE_TIMEOUT_MS = 30_000;
export const MAX_UDP_PAYLOAD = 1350;
/** Datagrams that quiche holds for us to read. */
const RECEIVED_DATAGRAMS = 1000;
/** Datagrams that quiche holds for the network: one turn's worth, as it drops none for age. */
export const OFFERED_DATAGRAMS = 256;
/**
 * Datagrams that a sender which can wait gives a connection in a turn: one segmented send. Whatever of it the congestion
 * window does not take is the whole queue of such a sender.
 */
export const DATAGRAMS_PER_TURN = 48;
/** Datagrams that we hold for a connection while it is congested, however many others are. */
export const WAITING_DATAGRAMS = 1024;
/** Where few are: 200 ms of 40,000 a second, as long as BBR pauses to measure the path. */
export const MOST_WAITING_DATAGRAMS = 8192;
/** Of all connections together; beyond it, each has its share alone. Some 40 MB. */
export const WAITING_IN_ALL = 32_768;
/**
 * What a peer's streams may hold in our memory: bytes behind a gap cannot be read and thrown away. A tenth of what the
 * reference grants, and far above its largest message.
 */
const UNREAD_STREAM_BYTES = 1_000_000;
/** Above the protocol's default of 2, so that an id can be issued while another is being retired. */
const ACTIVE_CONNECTION_IDS = 4;
/** Ed25519 has to be named, or the verifying side refuses it. */
const SIGNATURE_ALGORITHMS = [
  "ecdsa_secp256r1_sha256",
  "ed25519",
  "rsa_pss_rsae_sha256",
  "ecdsa_secp384r1_sha384",
  "rsa_pss_rsae_sha384",
  "ecdsa_secp521r1_sha512",
  "rsa_pss_rsae_sha512",
  "rsa_pkcs1_sha256",
].join(":");
