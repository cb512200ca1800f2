// Everything that would keep a certificate from working, found before it is deployed: one check each, with its fix.
import type { KeyObject } from "node:crypto";
import type { Role } from "../identity/grant.ts";
import { checkLeaf, identityOf, type LeafFault, PURPOSE_OIDS, type Purpose } from "../identity/leaf-policy.ts";
import { may } from "../identity/policy.ts";
import { matchesServer, type ServerNames } from "../identity/server-name.ts";
import { findChain } from "./chain.ts";
import { dayOf, daysUntil } from "./dates.ts";
import { matches, type StoredCertificate } from "./key-material.ts";

export interface Check {
  readonly check: "purpose" | "chain" | "name" | "rights" | "key";
  readonly ok: boolean;
  readonly detail: string;
  readonly fix?: string;
}

export interface VerifyRequest {
  /** The leaf, then whatever came with it. */
  readonly certificates: readonly [StoredCertificate, ...StoredCertificate[]];
  readonly anchors: readonly StoredCertificate[];
  /** Guessed from the certificate when absent. */
  readonly purpose?: Purpose | undefined;
  /** One of each must match. */
  readonly names: readonly ServerNames[];
  readonly registrations: readonly { readonly role: Role; readonly service: string }[];
  readonly key?: KeyObject | undefined;
}

export function verifyCertificate(request: VerifyRequest, wallNow: number): readonly Check[] {
  const [leaf, ...others] = request.certificates;
  const purpose = request.purpose ?? usualPurpose(leaf);
  return [
    checkPurpose(leaf, purpose, wallNow),
    checkChain(leaf, others, request.anchors, purpose, wallNow),
    ...request.names.map((names) => checkName(leaf, names)),
    ...request.registrations.map(({ role, service }) => checkRights(leaf, role, service)),
    ...(request.key === undefined ? [] : [checkKey(leaf, request.key)]),
  ];
}

export function usualPurpose({ facts }: StoredCertificate): Purpose {
  return facts.extendedKeyUsages?.includes(PURPOSE_OIDS.server) ? "server" : "client";
}

function checkPurpose(leaf: StoredCertificate, purpose: Purpose, wallNow: number): Check {
  const fault = checkLeaf(leaf.facts, purpose, wallNow);
  if (fault !== undefined) return { check: "purpose", ok: false, ...FAULTS[fault](leaf, purpose) };
  const days = daysUntil(leaf.facts.notAfter, wallNow);
  return { check: "purpose", ok: true, detail: `a ${purpose} certificate, valid for ${days} more days` };
}

function checkChain(
  leaf: StoredCertificate,
  others: readonly StoredCertificate[],
  anchors: readonly StoredCertificate[],
  purpose: Purpose,
  wallNow: number,
): Check {
  const chain = findChain(leaf, others, anchors, wallNow, purpose);
  if (!chain.ok) return { check: "chain", ok: false, detail: chain.detail, fix: chain.fix };
  return { check: "chain", ok: true, detail: chain.path.map(({ facts }) => facts.subject).join(" <- ") };
}

function checkName(leaf: StoredCertificate, wanted: ServerNames): Check {
  const matching = wanted.find((name) => matchesServer(leaf.facts, [name]));
  if (matching !== undefined) return { check: "name", ok: true, detail: `valid for ${matching}` };
  const names = [...leaf.facts.dnsNames, ...leaf.facts.ipAddresses];
  return {
    check: "name",
    ok: false,
    detail: `not valid for ${wanted.join(" or ")}, only for ${names.length === 0 ? "nothing" : names.join(", ")}`,
    fix: "issue it again with --host or --address",
  };
}

function checkRights(leaf: StoredCertificate, role: Role, service: string): Check {
  const decision = may(identityOf(leaf.facts), role, service, { allowLegacyCerts: false });
  if (decision.allowed) return { check: "rights", ok: true, detail: `${role} of ${service}, by ${decision.rule}` };
  return { check: "rights", ok: false, detail: `${decision.reason}: ${decision.rule}`, fix: decision.fix };
}

function checkKey(leaf: StoredCertificate, key: KeyObject): Check {
  if (matches(leaf, key)) return { check: "key", ok: true, detail: "the private key belongs to the certificate" };
  return {
    check: "key",
    ok: false,
    detail: "the private key belongs to another certificate",
    fix: "give the two that were issued together",
  };
}

type Finding = (leaf: StoredCertificate, purpose: Purpose) => { readonly detail: string; readonly fix: string };

const FAULTS: Readonly<Record<LeafFault, Finding>> = {
  "ca-as-leaf": () => ({ detail: "a CA certificate, which no peer may present", fix: "issue a leaf from it" }),
  "weak-key": () => ({ detail: "its key is too weak", fix: "issue it again with ECDSA P-256 or RSA 2048" }),
  "wrong-purpose": (_, purpose) => ({
    detail: `no ${purpose} certificate: its usages do not include ${purpose}Auth and digitalSignature`,
    fix: `issue a ${purpose} certificate`,
  }),
  expired: ({ facts }) => ({ detail: `expired on ${dayOf(facts.notAfter)}`, fix: "renew it" }),
  "not-yet-valid": ({ facts }) => ({ detail: `valid only from ${dayOf(facts.notBefore)}`, fix: "check the clock" }),
  "no-name": () => ({ detail: "it has no common name", fix: "issue it again with one" }),
};
