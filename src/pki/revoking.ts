// Signs the list of the certificates that an authority has revoked.
import type { Revocation } from "../identity/revocation-list.ts";
import { type Authority, authorityKeyIdentifier, signatureOf } from "./authority.ts";
import { encodePem } from "./pem.ts";
import { x509 } from "./x509-library.ts";

export interface RevocationRequest {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** All of them: a list replaces those before it. */
  readonly revocations: readonly Revocation[];
  /** Grows with every list of the authority. */
  readonly number: bigint;
}

/** In PEM. */
export async function signRevocations(authority: Authority, request: RevocationRequest): Promise<string> {
  const { thisUpdate, nextUpdate, revocations, number } = request;
  const list = await x509.X509CrlGenerator.create({
    issuer: authority.certificate.subjectName,
    thisUpdate,
    nextUpdate,
    signingKey: authority.key,
    signingAlgorithm: signatureOf(authority.key),
    extensions: [
      await authorityKeyIdentifier(authority.certificate),
      new x509.Extension(CRL_NUMBER, false, derInteger(number)),
    ],
    entries: revocations.map(({ serial, revokedAt, reason }) => ({
      serialNumber: serial,
      revocationDate: new Date(revokedAt),
      // An unspecified reason is said by saying none (RFC 5280, 5.3.1).
      ...(reason === undefined || reason === 0 ? {} : { reason }),
    })),
  });
  return encodePem("X509 CRL", new Uint8Array(list.rawData));
}

/** Of a number that is not negative. */
function derInteger(value: bigint): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  const padded = (bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : [...bytes];
  return Uint8Array.of(INTEGER, padded.length, ...padded);
}

const CRL_NUMBER = "2.5.29.20";
const INTEGER = 0x02;
