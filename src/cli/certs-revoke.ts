// `ztna certs revoke`: adds certificates to the authority's revocation list, or signs the list anew.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Revocation } from "../identity/revocation-list.ts";
import { isIssuer } from "../pki/chain.ts";
import { loadSigner, type Signer } from "../pki/credentials.ts";
import { dayOf, validityOf } from "../pki/dates.ts";
import { readCertificates } from "../pki/key-material.ts";
import { loadRevocations } from "../pki/revocation.ts";
import { writeStored } from "../pki/store.ts";
import { days, directory, serialNumber } from "./certs-kinds.ts";
import { CommandError } from "./errors.ts";
import { choice, file, list, text } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions, type Values, warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** The numbers of RFC 5280, 5.3.1. */
const REASONS = {
  unspecified: 0,
  "key-compromise": 1,
  "affiliation-changed": 3,
  superseded: 4,
  "cessation-of-operation": 5,
  "privilege-withdrawn": 9,
} as const;

const OPTIONS = {
  certificate: option(list(text), {
    default: [],
    help: "name of the holder, or a file with the certificate; none and no --serial: sign the list anew",
  }),
  serial: option(list(serialNumber), { default: [], help: "serial number, when the certificate is not at hand" }),
  reason: option(
    choice(
      "unspecified",
      "key-compromise",
      "affiliation-changed",
      "superseded",
      "cessation-of-operation",
      "privilege-withdrawn",
    ),
    { default: "unspecified", help: "why, for those who read the list" },
  ),
  dir: option(directory, { default: "certs", help: "where crl.pem goes, and where ca.pem and ca.key are" }),
  caCert: optional(file, { help: "certificate of the authority, if not ca.pem there" }),
  caKey: optional(file, { help: "its private key, if not ca.key there" }),
  days: option(days, { default: 365, help: "how long the list may be used; sign it anew in time" }),
  allowOpenKeys: flag("accept a key of the authority that everybody can read"),
};

export const REVOKE: CommandSpec<typeof OPTIONS> = {
  command: "certs revoke",
  summary: "put certificates on the list that serve --crl reads",
  options: OPTIONS,
  positionals: ["certificate"],
  examples: [
    "ztna certs revoke laptop",
    "ztna certs revoke certs/laptop.crt,certs/office.crt --reason key-compromise",
    "ztna certs revoke --serial 4a0f5e1c22d3b4958677a1b2c3d4e5f6",
    "ztna certs revoke --days 90",
  ],
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = await readOptions(REVOKE, args, terminal);
  if (settings === undefined) return 0;
  const { values } = settings;
  const { dir } = values;
  const wallNow = Date.now();
  const files = { certificate: values.caCert ?? join(dir, "ca.pem"), key: values.caKey ?? join(dir, "ca.key") };
  const signer = loadSigner(files, values, wallNow);
  for (const warning of signer.warnings) warn(terminal, warning);
  const path = join(dir, "crl.pem");
  const known = new Map(earlier(path, signer, wallNow).map((revocation) => [revocation.serial, revocation]));
  const wanted = [...values.certificate.map((name) => serialOf(name, dir, signer)), ...values.serial];
  const added = [...new Set(wanted)].filter((serial) => !known.has(serial));
  for (const serial of added) known.set(serial, { serial, revokedAt: wallNow, reason: REASONS[values.reason] });
  const until = await write(path, signer, [...known.values()], values, wallNow);
  for (const serial of new Set(wanted)) {
    terminal.out(`${serial}  ${added.includes(serial) ? "revoked" : "was revoked already"}\n`);
  }
  terminal.out(`${path}  ${known.size} revoked, until ${dayOf(until)}\n`);
  return 0;
}

/** What the list says so far. Throws when it is not this authority's: it must not be lost. */
function earlier(path: string, { certificate }: Signer, wallNow: number): readonly Revocation[] {
  if (!existsSync(path)) return [];
  return loadRevocations(path, [certificate], wallNow).lists.flatMap(({ revocations }) => revocations);
}

function serialOf(name: string, dir: string, { certificate: authority }: Signer): string {
  const issued = join(dir, `${name}.crt`);
  const path = existsSync(issued) ? issued : name;
  const [certificate] = readCertificates(path);
  if (certificate === undefined) throw new Error(`${path} holds nothing`);
  const { facts } = certificate;
  if (!isIssuer(authority, certificate)) {
    throw new CommandError(
      `${path} is of ${facts.issuer}, not of our CA ${authority.facts.subject}: only its issuer can revoke it`,
    );
  }
  if (facts.spkiSha256 === authority.facts.spkiSha256) {
    throw new CommandError(`${path} is the CA itself: replace --ca-cert everywhere instead`);
  }
  return facts.serial;
}

/** When the new list ends. */
async function write(
  path: string,
  signer: Signer,
  revocations: readonly Revocation[],
  { days }: Values<typeof OPTIONS>,
  wallNow: number,
): Promise<number> {
  const { openAuthority } = await import("../pki/authority.ts");
  const { signRevocations } = await import("../pki/revoking.ts");
  const authority = await openAuthority(signer.certificatePem, signer.keyPem);
  const { notBefore: thisUpdate, notAfter: nextUpdate } = validityOf(days, wallNow);
  const request = { thisUpdate, nextUpdate, revocations, number: BigInt(wallNow) };
  writeStored([{ path, text: await signRevocations(authority, request) }], { force: true });
  return nextUpdate.getTime();
}
