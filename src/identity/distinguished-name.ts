// The subject and the issuer of a certificate.
import { toHex } from "../wire/bytes.ts";
import { type DerReader, readOid, TAG } from "./der.ts";

export interface Attribute {
  /** OID */
  readonly id: string;
  /** undefined when the value is not UTF-8 text; the 16-bit and 32-bit string types do not count as text. */
  readonly text: string | undefined;
}

export function readName(name: DerReader): Attribute[] {
  const sets = name.each((list) => list.enter(TAG.set));
  return sets.flatMap((set) =>
    set.each((attributes) => {
      const attribute = attributes.enter();
      const id = readOid(attribute.take(TAG.oid));
      const value = attribute.next();
      attribute.end();
      return { id, text: TEXT_TAGS.includes(value.tag) ? utf8(value.content) : undefined };
    }),
  );
}

/** The first common name, when it is text, not empty and without control characters: it is shown and logged. */
export function commonNameOf(name: readonly Attribute[]): string | undefined {
  const text = name.find(({ id }) => id === COMMON_NAME)?.text;
  return text === undefined || text === "" || CONTROL.test(text) ? undefined : text;
}

/** For people: "CN=relay, O=Example", with special and control characters escaped as in RFC 4514. */
export function formatName(name: readonly Attribute[]): string {
  return name
    .map(({ id, text }) => `${SHORT_NAMES[id] ?? id}=${text?.replace(SPECIAL, escaped) ?? "(not text)"}`)
    .join(", ");
}

function escaped(character: string): string {
  if (!CONTROL.test(character)) return `\\${character}`;
  return toHex(new TextEncoder().encode(character)).replace(/../g, "\\$&");
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const COMMON_NAME = "2.5.4.3";
const SHORT_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "1.2.840.113549.1.9.1": "emailAddress",
};
const TEXT_TAGS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.teletexString, TAG.ia5String];
/** Controls, line separators, and the invisible marks that reorder what is shown. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const SPECIAL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\,+"<>;=]/gu;
