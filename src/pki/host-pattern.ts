// The host names that server certificates may carry.
import { parseGrant } from "../identity/grant.ts";
import { canonicalIp } from "../identity/ip-name.ts";
import { parseHostPort } from "../wire/address.ts";

/** A host name, or one behind a wildcard for its first label; never the name of a grant. */
export function isHostPattern(text: string): boolean {
  const host = text.replace(/^\*\.(?=[^.]+\.[^.])/, "");
  const isHost = parseHostPort(host, 0)?.host === host && !host.endsWith(".");
  return isHost && canonicalIp(host) === undefined && parseGrant(text) === undefined;
}
