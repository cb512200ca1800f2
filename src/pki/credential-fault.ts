// What can be wrong with a certificate, a key or a CA file. Kept apart from its users, so that whoever maps it to an
// exit code need not load them.

/** Stable codes. */
export type CredentialReason =
  | "missing"
  | "directory"
  | "unreadable"
  | "empty"
  | "too-large"
  | "not-pem"
  | "bad-certificate"
  | "no-certificate"
  | "bad-key"
  | "no-key"
  | "encrypted-key"
  | "open-key"
  | "mismatch"
  | "expired"
  | "not-yet-valid"
  | "not-a-ca"
  | "ca-as-leaf"
  | "weak-key"
  | "wrong-purpose"
  | "no-name"
  | "bad-crl"
  | "foreign-crl";

/** The message is one sentence that begins with the file and says what to do. Maps to the exit code for credentials. */
export class CredentialFault extends Error {
  readonly reason: CredentialReason;
  readonly file: string;

  constructor(reason: CredentialReason, file: string, sentence: string) {
    super(`${file} ${sentence}`);
    this.name = "CredentialFault";
    this.reason = reason;
    this.file = file;
  }
}
