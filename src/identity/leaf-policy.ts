// What we demand of a peer's or our own leaf certificate beyond its chain: TLS libraries let most of this pass.
import type { Leaf } from "./certificate.ts";
import { type Grant, parseGrant } from "./grant.ts";
import type { Identity } from "./identity.ts";

export type Purpose = "client" | "server";

/** Stable codes, in the order of the checks. */
export type LeafFault = "ca-as-leaf" | "weak-key" | "wrong-purpose" | "expired" | "not-yet-valid" | "no-name";

/**
 * The first thing wrong with a leaf for this purpose; `wallNow` is milliseconds since 1970. Only clients need a common
 * name: it is who they are, whereas a server is known by the name it is dialled under, and public CAs leave it out.
 */
export function checkLeaf(leaf: Leaf, purpose: Purpose, wallNow: number): LeafFault | undefined {
  if (leaf.isCa || leaf.keyUsage?.includes("keyCertSign")) return "ca-as-leaf";
  if (isWeakKey(leaf.key)) return "weak-key";
  if (!servesPurpose(leaf, purpose)) return "wrong-purpose";
  if (wallNow > leaf.notAfter) return "expired";
  if (wallNow < leaf.notBefore) return "not-yet-valid";
  if (purpose === "client" && leaf.commonName === undefined) return "no-name";
  return undefined;
}

export function identityOf(leaf: Leaf): Identity {
  const grants = leaf.dnsNames.map(parseGrant).filter((grant): grant is Grant => grant !== undefined);
  return {
    kind: "certificate",
    id: leaf.spkiSha256,
    name: leaf.commonName ?? leaf.dnsNames[0] ?? leaf.ipAddresses[0] ?? "",
    grants,
    serial: leaf.serial,
    notAfter: leaf.notAfter,
  };
}

/** Below 112 bits of strength, or of a kind that TLS 1.3 has no use for. */
export function isWeakKey(key: Leaf["key"]): boolean {
  switch (key.kind) {
    case "rsa":
      return key.bits < MIN_RSA_BITS;
    case "ec":
      return key.bits < MIN_EC_BITS;
    case "ed25519":
      return false;
    case "other":
      return true;
  }
}

/** The extended key usage must be there and name the purpose; a key usage, where present, must allow signing. */
function servesPurpose(leaf: Leaf, purpose: Purpose): boolean {
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes("digitalSignature")) return false;
  return leaf.extendedKeyUsages?.includes(PURPOSE_OIDS[purpose]) ?? false;
}

export const PURPOSE_OIDS: Readonly<Record<Purpose, string>> = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
};
const MIN_RSA_BITS = 2048;
const MIN_EC_BITS = 256;
