// For which names an authority may issue (RFC 5280, name constraints), as the TLS library of the daemons judges it: host names
// and subjects. Of addresses it understands no constraint and refuses every address there; mail addresses and URIs, of
// which ztna makes nothing, are left to it.
import { DerError, DerReader } from "../identity/der.ts";
import { readName } from "../identity/distinguished-name.ts";
import { formatIpBytes } from "../identity/ip-name.ts";
import { type GeneralName, NAME_TAG } from "./extensions.ts";

/** In words, the name that the constraints forbid; undefined when they allow all of them. */
export function forbiddenName(constraints: Uint8Array, names: readonly GeneralName[]): string | undefined {
  let permitted: readonly GeneralName[];
  let excluded: readonly GeneralName[];
  try {
    const lists = new DerReader(constraints).enter();
    permitted = readSubtrees(lists.optional(PERMITTED));
    excluded = readSubtrees(lists.optional(EXCLUDED));
    lists.end();
  } catch (error) {
    if (error instanceof DerError) return "any name, as its constraints cannot be understood";
    throw error;
  }
  const found = names.find((name) => {
    const allowed = permitted.filter(({ tag }) => tag === name.tag);
    const refused = excluded.filter(({ tag }) => tag === name.tag);
    if (name.tag === NAME_TAG.ip) return allowed.length + refused.length > 0;
    if (name.tag !== NAME_TAG.dns && name.tag !== NAME_TAG.directory) return false;
    return (
      (allowed.length > 0 && !allowed.some((base) => isWithin(name, base))) ||
      refused.some((base) => isWithin(name, base))
    );
  });
  return found && textOf(found);
}

/** TLS libraries refuse constraints with a minimum or a maximum, and nobody writes them. */
function readSubtrees(content: Uint8Array | undefined): readonly GeneralName[] {
  if (content === undefined) return [];
  return new DerReader(content).each((list) => {
    const subtree = list.enter();
    const base = subtree.next();
    subtree.end();
    return base;
  });
}

/** Both of one kind: host names or subjects. */
function isWithin({ tag, content }: GeneralName, base: GeneralName): boolean {
  return tag === NAME_TAG.dns
    ? isWithinDomain(textOfBytes(content), textOfBytes(base.content))
    : isWithinDirectory(content, base.content);
}

function isWithinDomain(name: string, domain: string): boolean {
  if (domain === "" || name === domain) return true;
  return name.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

function isWithinDirectory(name: Uint8Array, base: Uint8Array): boolean {
  const [whole, beginning] = [name, base].map((encoded) => readName(new DerReader(encoded).enter()));
  return (beginning ?? []).every(({ id, text }, index) => {
    const other = whole?.[index];
    return other !== undefined && other.id === id && text !== undefined && folded(other.text) === folded(text);
  });
}

/** As directories compare: case and the number of blanks make no difference. */
function folded(text: string | undefined): string | undefined {
  return text?.trim().replace(/\s+/g, " ").toLowerCase();
}

function textOf({ tag, content }: GeneralName): string {
  if (tag === NAME_TAG.dns) return textOfBytes(content);
  return tag === NAME_TAG.ip ? (formatIpBytes(content) ?? "an address") : "its subject";
}

function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1").toLowerCase();
}

const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
