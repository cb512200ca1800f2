// The only authorization decision: whether a peer may register in a role for a service. Default deny.
import { EVERY_SERVICE, formatGrant, isServiceName, type Role } from "./grant.ts";
import type { Anonymous, Identity } from "./identity.ts";

export interface PolicyOptions {
  /** Certificates without any ZTNA name may do everything, as with the reference relay. */
  readonly allowLegacyCerts: boolean;
}

/** `rule` is what decided. Refusals also say how to change that; neither ever repeats text from the peer. */
export type Decision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly reason: DenialReason; readonly rule: string; readonly fix: string };

/** Stable codes: logs, metrics and clients show them. */
export type DenialReason = "not-granted" | "no-ztna-name";

/**
 * An anonymous peer reaches this only where the operator switched client authentication off, and may then do everything.
 * The service is compared byte for byte with the granted names, which are lower-case.
 */
export function may(identity: Identity | Anonymous, role: Role, service: string, options: PolicyOptions): Decision {
  if (identity.kind === "anonymous") return { allowed: true, rule: "client authentication is off" };
  if (identity.grants.length === 0) return options.allowLegacyCerts ? LEGACY : withoutNames(role, service);
  for (const grant of identity.grants) {
    if (grant.role !== role || (grant.service !== EVERY_SERVICE && grant.service !== service)) continue;
    return { allowed: true, rule: formatGrant(grant) };
  }
  return {
    allowed: false,
    reason: "not-granted",
    rule: `no name of the certificate grants this service to ${withArticle(role)}`,
    fix: fixFor(role, service),
  };
}

function withoutNames(role: Role, service: string): Decision {
  return {
    allowed: false,
    reason: "no-ztna-name",
    rule: "a certificate without a ZTNA name has no rights",
    fix: `${fixFor(role, service)}; --allow-legacy-certs on the relay gives such certificates every right`,
  };
}

function fixFor(role: Role, service: string): string {
  if (isServiceName(service)) return `issue a certificate with the name ${formatGrant({ role, service })}`;
  const wildcard = formatGrant({ role, service: EVERY_SERVICE });
  return `rename the service (a-z, 0-9, dots and hyphens) or issue a certificate with the name ${wildcard}`;
}

function withArticle(role: Role): string {
  return role === "agent" ? "an agent" : "a connector";
}

const LEGACY: Decision = { allowed: true, rule: "certificates without a ZTNA name are allowed everything" };
