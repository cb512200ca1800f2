// A relay host and a client host with certificates of the test PKI.
import type { EndpointOptions } from "../../src/quic/endpoint.ts";
import type { ClientSettings } from "../../src/quic/settings.ts";
import { exchange, Host, SERVER_DEFAULTS } from "./endpoint-pair.ts";
import type { TestCredential, TestPki } from "./pki.ts";

const encoder = new TextEncoder();

export function pem(text: string): Uint8Array {
  return encoder.encode(text);
}

export type ServerOverrides = Partial<NonNullable<EndpointOptions["server"]>> & {
  readonly credential?: TestCredential;
  readonly ca?: TestCredential;
};

export function relayHost(pki: TestPki, overrides: ServerOverrides = {}, options: Partial<EndpointOptions> = {}): Host {
  const { credential = pki.server, ca = pki.ca, ...server } = overrides;
  const tls = { ca: pem(ca.certPem), certChain: pem(credential.certPem), key: pem(credential.keyPem) };
  return new Host("192.0.2.1", 4433, { server: { ...SERVER_DEFAULTS, tls, ...server }, ...options });
}

export interface ClientOverrides extends Partial<ClientSettings> {
  readonly credential?: TestCredential | undefined;
  readonly ca?: TestCredential;
  readonly port?: number;
}

export function clientHost(pki: TestPki, overrides: ClientOverrides = {}): Host {
  const { ca = pki.ca, port = 40_000, ...client } = overrides;
  const credential = "credential" in overrides ? overrides.credential : pki.agent;
  const own = credential && { certChain: pem(credential.certPem), key: pem(credential.keyPem) };
  return new Host("198.51.100.7", port, {
    client: { verifyPeer: true, ...client, tls: { ca: pem(ca.certPem), ...own } },
  });
}

/** Dials and exchanges packets until both are silent; returns the client's and the server's peer ids. */
export function connect(client: Host, relay: Host, names: readonly string[] = ["ztna-server"]): number {
  const peer = client.endpoint.connect(client.sees(relay), names, performance.now());
  exchange(client, relay);
  return peer;
}

export function send(host: Host, peer: number, bytes: Uint8Array): void {
  host.endpoint.perform({ type: "send", peer, bytes });
}
