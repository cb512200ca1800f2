// A grant is what one certificate name allows: "agent.web.ztna" lets its holder use the service "web".

export type Role = "agent" | "connector";

/** `service` is lower-case; "*" means every service. */
export interface Grant {
  readonly role: Role;
  readonly service: string;
}

export const EVERY_SERVICE = "*";

/**
 * Everything between the role and the suffix is the service, dots included; only a lone "*" is a wildcard. Names that
 * are not printable ASCII grant nothing, because lower-casing them could turn one name into another.
 */
export function parseGrant(dnsName: string): Grant | undefined {
  if (!PRINTABLE_ASCII.test(dnsName)) return undefined;
  const name = dnsName.toLowerCase();
  if (!name.endsWith(SUFFIX)) return undefined;
  const body = name.slice(0, -SUFFIX.length);
  const dot = body.indexOf(".");
  const role = body.slice(0, Math.max(dot, 0));
  const service = body.slice(dot + 1);
  if ((role !== "agent" && role !== "connector") || service === "") return undefined;
  return { role, service };
}

/** The certificate name that carries this grant. */
export function formatGrant(grant: Grant): string {
  return `${grant.role}.${grant.service}${SUFFIX}`;
}

/** The names that certificates, files and policy may use. The wire allows any UTF-8. */
export function isServiceName(text: string): boolean {
  return text.length <= MAX_SERVICE_NAME && SERVICE_NAME.test(text);
}

export const MAX_SERVICE_NAME = 200;
const SUFFIX = ".ztna";
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const SERVICE_NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;
