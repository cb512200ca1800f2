// A plan is a file that describes a whole PKI; carrying it out issues everything in it.
import { z } from "zod";
import type { Grant, Role } from "../identity/grant.ts";
import { type Issued, issueClient, issueServer, makeAuthority, openAuthority } from "../pki/authority.ts";
import { validityOf } from "../pki/dates.ts";
import { address, authorityName, holderName, hostPattern, keyType, MAX_DAYS, service } from "./certs-kinds.ts";
import { readChecked } from "./config-file.ts";
import type { Kind } from "./option-kinds.ts";

/** Throws a ConfigurationError that names the file and the key. */
export function readPlan(path: string): Promise<Plan> {
  return readChecked(path, PLAN);
}

/** Every certificate ends with the authority at the latest. */
export async function carryOut(
  plan: Plan,
  wallNow: number,
): Promise<{
  readonly ca: Issued;
  readonly certificates: readonly { readonly name: string; readonly issued: Issued }[];
}> {
  const whole = validityOf(plan.ca.days, wallNow);
  const ca = await makeAuthority({ name: plan.ca.name, keyType: plan.ca.key_type, ...whole });
  const authority = await openAuthority(ca.certificatePem, ca.keyPem);
  const certificates: { readonly name: string; readonly issued: Issued }[] = [];
  for (const entry of plan.certificates) {
    const validity = validityOf(Math.min(entry.days, plan.ca.days), wallNow);
    const request = { name: entry.name, keyType: entry.key_type, ...validity };
    const issued =
      entry.kind === "client"
        ? await issueClient(authority, { ...request, grants: grantsOf(entry) })
        : await issueServer(authority, {
            ...request,
            kind: entry.kind === "server" ? "relay" : "p2p",
            hosts: entry.hosts,
            addresses: entry.addresses,
          });
    certificates.push({ name: entry.name, issued });
  }
  return { ca, certificates };
}

function grantsOf(entry: Record<Role, readonly string[]>): readonly Grant[] {
  return (["agent", "connector"] as const).flatMap((role) =>
    entry[role].map((granted) => ({ role, service: granted })),
  );
}

/** A text that the kind reads, as what it reads it to. */
function as<T>(kind: Kind<T>) {
  return z.string().transform((written, context): T => {
    const value = kind.parse(written);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `is ${JSON.stringify(written)}, but must be ${kind.expected}` });
    return z.NEVER;
  });
}

const DAYS = z.int().min(1).max(MAX_DAYS);
const KEY_TYPE = as(keyType).prefault("ecdsa-p256");
const NAMES = z.array(as(hostPattern)).default([]);
const ADDRESSES = z.array(as(address)).default([]);
const SERVICES = z.array(as(service)).default([]);
const CERTIFICATE = z
  .strictObject({
    name: as(holderName),
    kind: z.enum(["server", "p2p", "client"]),
    hosts: NAMES,
    addresses: ADDRESSES,
    agent: SERVICES,
    connector: SERVICES,
    days: DAYS.default(365),
    key_type: KEY_TYPE,
  })
  .refine(({ kind, agent, connector }) => kind !== "client" || agent.length + connector.length > 0, {
    message: "names no service under agent or connector, so it would have no rights",
  })
  .refine(({ kind, agent, connector }) => kind === "client" || agent.length + connector.length === 0, {
    message: "is a server certificate, to which agent and connector do not belong",
  })
  .refine(({ kind, hosts, addresses }) => kind !== "client" || hosts.length + addresses.length === 0, {
    message: "is a client certificate, to which hosts and addresses do not belong",
  });
const PLAN = z.strictObject({
  ca: z
    .strictObject({ name: as(authorityName).prefault("ztna CA"), days: DAYS.default(3650), key_type: KEY_TYPE })
    .prefault({}),
  certificates: z
    .array(CERTIFICATE)
    .default([])
    .refine((entries) => new Set(entries.map(({ name }) => name)).size === entries.length, {
      message: "holds a name twice",
    }),
});

export type Plan = z.infer<typeof PLAN>;
