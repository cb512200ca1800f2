// What a certificate says beyond what a peer is asked for in a handshake: every extension, and every name.
import { DerReader, readOid, TAG } from "../identity/der.ts";

export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** GeneralName (RFC 5280, subject alternative name). */
export interface GeneralName {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Of a certificate that has been parsed before; of repeated ones the first counts. By OID. */
export function extensionsOf(der: Uint8Array): ReadonlyMap<string, Extension> {
  const { fields } = afterSubject(der);
  fields.optional(ISSUER_UNIQUE_ID);
  fields.optional(SUBJECT_UNIQUE_ID);
  const found = new Map<string, Extension>();
  const content = fields.optional(EXTENSIONS);
  if (content === undefined) return found;
  for (const extension of new DerReader(content).enter().each((list) => list.enter())) {
    const id = readOid(extension.take(TAG.oid));
    const critical = extension.optional(TAG.boolean) !== undefined;
    if (!found.has(id)) found.set(id, { critical, value: extension.take(TAG.octetString) });
  }
  return found;
}

/** The alternative names, and the subject as a directoryName unless it is empty. */
export function namesOf(der: Uint8Array): readonly GeneralName[] {
  const { subject } = afterSubject(der);
  const alternative = extensionsOf(der).get(SUBJECT_ALT_NAME);
  const names = alternative === undefined ? [] : new DerReader(alternative.value).enter().each((list) => list.next());
  return new DerReader(subject).enter().done ? names : [...names, { tag: NAME_TAG.directory, content: subject }];
}

function afterSubject(der: Uint8Array): { readonly subject: Uint8Array; readonly fields: DerReader } {
  const fields = new DerReader(der).enter().enter();
  fields.optional(VERSION);
  for (let field = 0; field < FIELDS_BEFORE_SUBJECT; field++) fields.next();
  const subject = fields.peekEncoded();
  fields.next();
  fields.next();
  return { subject, fields };
}

export const NAME_TAG = { dns: 0x82, directory: 0xa4, ip: 0x87 } as const;
const SUBJECT_ALT_NAME = "2.5.29.17";
/** Serial number, signature algorithm, issuer, validity. */
const FIELDS_BEFORE_SUBJECT = 4;
const [VERSION, ISSUER_UNIQUE_ID, SUBJECT_UNIQUE_ID, EXTENSIONS] = [0xa0, 0x81, 0x82, 0xa3];
