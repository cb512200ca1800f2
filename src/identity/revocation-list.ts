// Reads a DER certificate revocation list (RFC 5280, 5). The bytes may be anything; nothing here checks a signature.
import { toHex } from "../wire/bytes.ts";
import { DerError, DerReader, readBits, readBoolean, readInteger, readOid, readTime, TAG } from "./der.ts";
import { formatName, readName } from "./distinguished-name.ts";

/** What a certificate is called in revocation lists: serial numbers are an issuer's own. */
export interface CertificateId {
  readonly issuer: string;
  readonly serial: string;
}

export interface Revocation {
  /** Lower-case hex of the number's bytes, as in a leaf. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
  /** The number of RFC 5280, 5.3.1. */
  readonly reason?: number;
}

export interface RevocationList {
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly revocations: readonly Revocation[];
  /** What was signed, with which algorithm (OID), and the signature. */
  readonly signed: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

/**
 * undefined for everything that is not one strict DER list that says all there is to say: a list of changes or for a
 * part of an issuer's certificates has a critical extension, and nothing can be concluded from it alone.
 */
export function parseRevocationList(der: Uint8Array): RevocationList | undefined {
  try {
    return readList(new DerReader(der));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readList(outer: DerReader): RevocationList {
  const list = outer.enter();
  outer.end();
  const signed = list.peekEncoded();
  const fields = list.enter();
  const algorithm = toHex(list.peekEncoded());
  const algorithmId = readOid(list.enter().take(TAG.oid));
  const { bytes: signature, length } = readBits(list.take(TAG.bitString));
  list.end();
  const version = fields.optional(TAG.integer);
  if (version !== undefined && toHex(readInteger(version)) !== VERSION_2) throw new DerError("not version 2");
  if (toHex(fields.peekEncoded()) !== algorithm) throw new DerError("two signature algorithms");
  fields.enter();
  const issuer = formatName(readName(fields.enter()));
  const thisUpdate = readTime(fields.next());
  const nextUpdate =
    fields.tag === TAG.utcTime || fields.tag === TAG.generalizedTime ? readTime(fields.next()) : undefined;
  const revocations = fields.tag === TAG.sequence ? fields.enter().each((list) => readRevocation(list.enter())) : [];
  if (fields.tag === EXTENSIONS) readExtensions(fields.enter(EXTENSIONS));
  fields.end();
  if (length !== signature.length * 8) throw new DerError("a signature of odd bits");
  return { issuer, thisUpdate, nextUpdate, revocations, signed, algorithm: algorithmId, signature };
}

function readRevocation(entry: DerReader): Revocation {
  const serial = toHex(readInteger(entry.take(TAG.integer)));
  const revokedAt = readTime(entry.next());
  const reason = entry.done ? undefined : readExtensions(entry).get(REASON_CODE);
  entry.end();
  if (reason === undefined) return { serial, revokedAt };
  return { serial, revokedAt, reason: new DerReader(reason).take(ENUMERATED)[0] ?? 0 };
}

/** The one list that `holder` goes on with, by OID. */
function readExtensions(holder: DerReader): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  const list = holder.enter();
  holder.end();
  while (!list.done) {
    const extension = list.enter();
    const id = readOid(extension.take(TAG.oid));
    const critical = extension.optional(TAG.boolean);
    if (critical !== undefined && readBoolean(critical)) throw new DerError("a critical extension that we do not know");
    if (values.has(id)) throw new DerError("an extension occurs twice");
    values.set(id, extension.take(TAG.octetString));
    extension.end();
  }
  return values;
}

const VERSION_2 = "01";
const ENUMERATED = 0x0a;
const EXTENSIONS = 0xa0;
const REASON_CODE = "2.5.29.21";
