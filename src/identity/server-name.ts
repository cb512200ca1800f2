// Whether a server's certificate carries a name under which we meant to reach it. The common name is never asked.
import type { Leaf } from "./certificate.ts";
import { canonicalIp } from "./ip-name.ts";

/** Host names and IP literals, any of which may match: usually the host that was dialled and "ztna-server". */
export type ServerNames = readonly string[];

/** An IP literal matches only an iPAddress entry, a host name only a dNSName entry. */
export function matchesServer(leaf: Pick<Leaf, "dnsNames" | "ipAddresses">, names: ServerNames): boolean {
  return names.some((name) => {
    const ip = canonicalIp(name);
    if (ip !== undefined) return leaf.ipAddresses.includes(ip);
    const host = hostName(name);
    return host !== undefined && leaf.dnsNames.some((dnsName) => matchesHost(dnsName.toLowerCase(), host));
  });
}

/** Lower-case, without the final dot of a fully qualified name; undefined for what can be no host name. */
function hostName(text: string): string | undefined {
  const host = text.endsWith(".") ? text.slice(0, -1) : text;
  return HOST_NAME.test(host) ? host.toLowerCase() : undefined;
}

/** A wildcard is a whole leftmost label, stands for exactly one label, and has at least two labels behind it. */
function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  const suffix = pattern.slice(1);
  const label = host.slice(0, -suffix.length);
  return suffix.indexOf(".", 1) > 0 && host.endsWith(suffix) && !label.includes(".");
}

const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;
