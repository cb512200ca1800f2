// `ztna certs k8s-csr`: asks cert-manager, or a signer of the cluster, for the certificate of a relay or of a client.
import { join } from "node:path";
import { formatGrant, type Role } from "../identity/grant.ts";
import type { KeyType } from "../pki/key-type.ts";
import { isObjectName } from "../pki/secret-record.ts";
import type { WantedCertificate } from "../pki/signing-request.ts";
import { writeStored } from "../pki/store.ts";
import { address, days, directory, holderName, hostPattern, keyType, objectName, service } from "./certs-kinds.ts";
import { EXIT, UsageError } from "./errors.ts";
import { type Kind, list } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const signerName: Kind<string> = {
  placeholder: "SIGNER",
  expected: "the name of a signer, such as example.org/ztna",
  parse: (value) => (/^[a-z0-9][a-z0-9.-]{0,200}\/[A-Za-z0-9][A-Za-z0-9.-]{0,200}$/.test(value) ? value : undefined),
  schema: (z) => z.string(),
};

const SERVER = "Server certificates";
const CLIENT = "Client certificates";
const MANAGER = "From cert-manager";
const SIGNER = "From a signer of the cluster";
const OPTIONS = {
  name: optional(holderName, { help: "common name, and name of the Secret or of the request" }),
  server: flag("for a relay; also carries the name ztna-server", { group: SERVER }),
  host: option(list(hostPattern), { default: [], help: "a host name that clients dial", group: SERVER }),
  address: option(list(address), { default: [], help: "an address that clients dial", group: SERVER }),
  agent: option(list(service), { default: [], help: "a service that the holder may use", group: CLIENT }),
  connector: option(list(service), { default: [], help: "a service that the holder may provide", group: CLIENT }),
  issuer: optional(objectName, { help: "the Issuer of cert-manager; it makes the key in the cluster", group: MANAGER }),
  clusterIssuer: optional(objectName, { help: "its ClusterIssuer", group: MANAGER }),
  namespace: option(objectName, { default: "ztna", help: "namespace of the Secret", group: MANAGER }),
  signer: optional(signerName, { help: "the signer; the key is made here, as NAME.key", group: SIGNER }),
  dir: option(directory, { default: "certs", help: "where NAME.key goes", group: SIGNER }),
  force: flag("replace NAME.key if it exists", { group: SIGNER }),
  days: option(days, { default: 90, help: "how long the certificate shall be valid" }),
  keyType: option<KeyType>(keyType, { default: "ecdsa-p256", help: "ecdsa, rsa or ed25519; also with a size" }),
};

export const K8S_CSR: CommandSpec<typeof OPTIONS> = {
  command: "certs k8s-csr",
  summary: "print a request for a certificate: to cert-manager or to the cluster's own signers",
  options: OPTIONS,
  positionals: ["name"],
  examples: [
    "ztna certs k8s-csr ztna-intermediate-tls --server --host relay.example.org --issuer ztna-ca",
    "ztna certs k8s-csr ztna-connector-tls --connector web --cluster-issuer ztna-ca | kubectl apply -f -",
    "ztna certs k8s-csr office --connector web --signer example.org/ztna | kubectl apply -f -",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(K8S_CSR, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { values } = settings;
  const { name, issuer, clusterIssuer, signer, namespace, dir, force } = values;
  if (name === undefined) throw new UsageError("certs k8s-csr needs a name; see ztna certs k8s-csr --help");
  if (!isObjectName(name)) throw new UsageError(`${name} cannot be the name of a Kubernetes object; use lower case`);
  const chosen = [issuer, clusterIssuer, signer].filter((one) => one !== undefined);
  if (chosen.length !== 1) throw new UsageError("say who shall sign: one of --issuer, --cluster-issuer and --signer");
  const wanted = wantedOf(name, values);
  const { encodeManagedCertificate, encodeSigningRequest, makeRequest } = await import("../pki/signing-request.ts");
  if (signer === undefined) {
    const kind = issuer === undefined ? "ClusterIssuer" : "Issuer";
    const from = { name: issuer ?? clusterIssuer ?? "", kind } as const;
    terminal.out(encodeManagedCertificate({ name, namespace }, from, wanted));
    return EXIT.done;
  }
  const { requestPem, keyPem } = await makeRequest(wanted);
  const keyFile = join(dir, `${name}.key`);
  writeStored([{ path: keyFile, text: keyPem }], { force });
  terminal.out(encodeSigningRequest(name, signer, requestPem, wanted));
  terminal.err(`${keyFile}  its private key, which stays here\n`);
  return EXIT.done;
}

/** Exactly one use, with the names that belong to it. */
function wantedOf(commonName: string, values: Values<typeof OPTIONS>): WantedCertificate {
  const { server, host, keyType: kind } = values;
  const grants = (["agent", "connector"] as const).flatMap((role: Role) =>
    values[role].map((granted) => formatGrant({ role, service: granted })),
  );
  if (server === grants.length > 0) {
    throw new UsageError("say what the certificate is for: --server, or --agent and --connector with services");
  }
  if (!server && host.length + values.address.length > 0) {
    throw new UsageError("--host and --address belong to server certificates; leave them out for a client");
  }
  return {
    ...{ commonName, keyType: kind, days: values.days, addresses: server ? values.address : [] },
    purpose: server ? "server" : "client",
    dnsNames: [...new Set(server ? ["ztna-server", ...host] : grants)],
  };
}
