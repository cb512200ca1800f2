// Who the remote end of a connection is, as its verified leaf certificate says.
import type { Grant } from "./grant.ts";

/** The holder of a verified certificate. */
export interface Identity {
  readonly kind: "certificate";
  /** SHA-256 of the public key (SubjectPublicKeyInfo), hex: the same before and after a renewal with the same key. */
  readonly id: string;
  /** First common name of the subject. */
  readonly name: string;
  /** Empty when the certificate carries no ZTNA name. */
  readonly grants: readonly Grant[];
  /** Serial number, lower-case hex. */
  readonly serial: string;
  /** Milliseconds since 1970 (wall clock). */
  readonly notAfter: number;
}

/** A peer without a certificate: exists only where the operator switched client authentication off. */
export interface Anonymous {
  readonly kind: "anonymous";
}

export const ANONYMOUS: Anonymous = { kind: "anonymous" };
