// Revocation lists of the test PKI.
import { parseLeaf } from "../../src/identity/certificate.ts";
import type { Authority } from "../../src/pki/authority.ts";
import { signRevocations } from "../../src/pki/revoking.ts";
import { type TestCredential, validity } from "./pki.ts";

/** A list in PEM of these certificates. `from` and `to` are days from now. */
export function revocationList(
  authority: Authority,
  revoked: readonly TestCredential[],
  { from = -1, to = 30 }: { readonly from?: number; readonly to?: number } = {},
): Promise<string> {
  const { notBefore: thisUpdate, notAfter: nextUpdate } = validity(from, to);
  const revocations = revoked.map((credential) => ({ serial: serialOf(credential), revokedAt: Date.now(), reason: 1 }));
  return signRevocations(authority, { thisUpdate, nextUpdate, revocations, number: 1n });
}

export function serialOf({ der }: TestCredential): string {
  return parseLeaf(der)!.serial;
}
