// Options of a command that dials a relay, and what they amount to: where it is, what it must prove, who we are.
import { OPEN_KEYS_OPTION } from "./daemon-options.ts";
import { UsageError } from "./errors.ts";
import { file, type HostPort, host, hostPort, port, toggle } from "./option-kinds.ts";
import { option, optional, type Settings } from "./options.ts";

const RELAY = "Relay";
const CREDENTIALS = "Credentials";
export const DEFAULT_RELAY_PORT = 4433;

/** `host` and `port` are the keys by which the role's file gives the relay in two parts. */
export function relayOptions(keys: { readonly host: string; readonly port: string }) {
  return {
    server: optional(hostPort(DEFAULT_RELAY_PORT), {
      help: "the relay; its name is resolved again for each attempt",
      group: RELAY,
    }),
    serverHost: optional(host, { help: "host of the relay", only: "file", keys: [keys.host] }),
    serverPort: optional(port, { help: "its UDP port; 4433 unless given", only: "file", keys: [keys.port] }),
    serverName: optional(host, {
      help: "name that its certificate must carry (default the host, or ztna-server)",
      group: RELAY,
    }),
  } as const;
}

/** Each may have further keys in the role's file. */
export function credentialOptions(keys: Readonly<Partial<Record<"clientCert" | "clientKey" | "caCert", string[]>>>) {
  const more = (name: keyof typeof keys) => ({ group: CREDENTIALS, keys: keys[name] ?? [] });
  return {
    clientCert: optional(file, { help: "own certificate chain", ...more("clientCert") }),
    clientKey: optional(file, { help: "its private key", ...more("clientKey") }),
    caCert: optional(file, { help: "CA that the relay's certificate must come from", ...more("caCert") }),
    verifyPeer: option(toggle, {
      default: true,
      help: "accept any relay: it can then read and forge everything",
      group: CREDENTIALS,
    }),
    ...OPEN_KEYS_OPTION,
  } as const;
}

export type ClientTable = ReturnType<typeof relayOptions> & ReturnType<typeof credentialOptions>;
export type RelaySettings = Pick<Settings<ClientTable>, "values">;

/** The option as a whole, else the host and port of the file. Never a default: nobody should dial by accident. */
export function relayOf({ values }: RelaySettings, inFile: string): HostPort {
  const { server, serverHost, serverPort } = values;
  if (server !== undefined) return server;
  if (serverHost === undefined) {
    throw new UsageError(`where is the relay? Give --server HOST:PORT, or ${inFile} in the file`);
  }
  return { host: serverHost, port: serverPort ?? DEFAULT_RELAY_PORT };
}

/** Any of these must be in the relay's certificate; a name that the operator gives is the only one. */
export function namesOf({ values: { serverName } }: RelaySettings, relay: HostPort): readonly string[] {
  return serverName === undefined ? [relay.host, "ztna-server"] : [serverName];
}

export interface CredentialFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Certificate and key of this side, if it has them. Throws when only one is given, or when the relay cannot be verified. */
export function credentialFiles(
  values: RelaySettings["values"],
  conflict: (message: string, first: "clientCert", second: "clientKey") => Error,
): CredentialFiles | undefined {
  const { clientCert, clientKey, caCert, verifyPeer } = values;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw conflict("--client-cert and --client-key belong together: give both", "clientCert", "clientKey");
  }
  if (verifyPeer && caCert === undefined) {
    throw new UsageError("the relay has to be verified: give its CA with --ca-cert");
  }
  return clientCert === undefined || clientKey === undefined ? undefined : { certificate: clientCert, key: clientKey };
}

/** Protections that are off, by the option that switched them off. */
export function clientInsecurities({ values }: RelaySettings): readonly string[] {
  return values.verifyPeer ? [] : ["no-verify-peer"];
}
