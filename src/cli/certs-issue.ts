// `ztna certs issue`: one leaf from the authority. What it is for is always said, never guessed.
import { join, resolve } from "node:path";
import type { Role } from "../identity/grant.ts";
import type { Issued } from "../pki/authority.ts";
import { loadSigner, type Signer } from "../pki/credentials.ts";
import { dayOf, daysUntil, validityOf } from "../pki/dates.ts";
import type { KeyType } from "../pki/key-type.ts";
import { address, days, directory, holderName, hostPattern, keyType, service } from "./certs-kinds.ts";
import { deliver } from "./certs-report.ts";
import { UsageError } from "./errors.ts";
import { file, list } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Settings, type Values, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const SERVER = "Server certificates";
const CLIENT = "Client certificates";
const OPTIONS = {
  name: optional(holderName, { help: "common name, and name of the files" }),
  server: flag("for a relay; also carries the name ztna-server", { group: SERVER }),
  p2p: flag("for direct connections to a connector; also carries the name ztna-connector", { group: SERVER }),
  host: option(list(hostPattern), { default: [], help: "a host name that clients dial", group: SERVER }),
  address: option(list(address), { default: [], help: "an address that clients dial", group: SERVER }),
  agent: option(list(service), { default: [], help: "a service that the holder may use", group: CLIENT }),
  connector: option(list(service), { default: [], help: "a service that the holder may provide", group: CLIENT }),
  dir: option(directory, { default: "certs", help: "where the files go, and where ca.pem and ca.key are" }),
  caCert: optional(file, { help: "certificate of the authority, if not ca.pem there" }),
  caKey: optional(file, { help: "its private key, if not ca.key there" }),
  days: option(days, { default: 365, help: "how long the certificate is valid" }),
  keyType: option<KeyType>(keyType, {
    default: "ecdsa-p256",
    help: "ecdsa, rsa or ed25519; also with a size, as rsa-4096",
  }),
  allowOpenKeys: flag("accept a key of the authority that everybody can read"),
  force: flag("replace files that exist"),
  json: flag("print what was made as JSON"),
};

export const ISSUE: CommandSpec<typeof OPTIONS> = {
  command: "certs issue",
  summary: "issue a server or client certificate",
  options: OPTIONS,
  positionals: ["name"],
  examples: [
    "ztna certs issue relay --server --host relay.example.org --address 203.0.113.10",
    "ztna certs issue connector --connector web --connector db",
    "ztna certs issue laptop --agent web --days 90",
    "ztna certs issue admin --agent '*'",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(ISSUE, args, terminal);
  if (settings === undefined) return 0;
  const { values } = settings;
  const { name, dir } = values;
  if (name === undefined) throw new UsageError("certs issue needs the name of the holder; see ztna certs issue --help");
  checkUse(values);
  const files = { certificate: values.caCert ?? join(dir, "ca.pem"), key: values.caKey ?? join(dir, "ca.key") };
  const signer = loadSigner(files, values, Date.now());
  for (const warning of signer.warnings) warn(terminal, warning);
  const made = { certificateFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) };
  for (const own of Object.values(files)) {
    if (Object.values(made).some((path) => resolve(path) === resolve(own)))
      throw new UsageError(`the name ${name} stands for the authority's own file ${own}; choose another name`);
  }
  deliver([{ ...made, issued: await issue(settings, name, signer) }], values, terminal);
  return 0;
}

/** Exactly one use, with the options that belong to it. */
function checkUse({ server, p2p, host, address, agent, connector }: Values<typeof OPTIONS>): void {
  const isClient = agent.length + connector.length > 0;
  if (Number(server) + Number(p2p) + Number(isClient) !== 1) {
    throw new UsageError("say what the certificate is for: --server, --p2p, or --agent and --connector with services");
  }
  if (isClient && host.length + address.length > 0) {
    throw new UsageError("--host and --address belong to server certificates; leave them out for a client");
  }
}

async function issue(settings: Settings<typeof OPTIONS>, name: string, signer: Signer): Promise<Issued> {
  const { issueClient, issueServer, openAuthority } = await import("../pki/authority.ts");
  const { values } = settings;
  const authority = await openAuthority(signer.certificatePem, signer.keyPem);
  const request = { name, keyType: values.keyType, ...limitedValidity(settings, signer) };
  const kind = values.server ? "relay" : values.p2p ? "p2p" : undefined;
  if (kind !== undefined) {
    return issueServer(authority, { ...request, kind, hosts: values.host, addresses: values.address });
  }
  const grants = (["agent", "connector"] as const).flatMap((role: Role) =>
    values[role].map((granted) => ({ role, service: granted })),
  );
  return issueClient(authority, { ...request, grants });
}

/** Never beyond the authority's own end: by default it ends with it, on demand that is refused. */
function limitedValidity(settings: Settings<typeof OPTIONS>, signer: Signer) {
  const { facts } = signer.certificate;
  const wanted = validityOf(settings.values.days, Date.now());
  if (wanted.notAfter.getTime() <= facts.notAfter) return wanted;
  if (settings.source("days") !== "default") {
    const left = daysUntil(facts.notAfter, Date.now());
    throw new UsageError(
      `${settings.origin("days")} goes beyond the authority, which ends on ${dayOf(facts.notAfter)}; at most ${left}`,
    );
  }
  return { ...wanted, notAfter: new Date(facts.notAfter) };
}
