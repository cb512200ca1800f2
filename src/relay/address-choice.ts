// Which unique address an agent's inner source gets: always the same for the same identity and source, so that flows
// survive a restart of the relay. The hash needs no key: who aims at somebody's address only moves that one to the next.
import type { Ipv4 } from "../wire/address.ts";

/** Addresses to look at first, in order: the preferred one and those that follow it. */
export const NEIGHBOURS = 16;

/** After that, addresses all over the range, where one in many is taken at most. */
export const SCATTERED = 48;

/** The address to try at `attempt` 0, 1, 2 … of 100.64.0.0/10, without its first and its last. */
export function candidateAddress(identityKey: string, inner: Ipv4, salt: number, attempt: number): Ipv4 {
  const preferred = mix(hashText(identityKey) ^ mix(inner));
  const index = attempt < NEIGHBOURS ? preferred + attempt : mix(preferred ^ mix(salt + attempt * STRIDE));
  return FIRST + ((index >>> 0) % USABLE);
}

/** FNV-1a over the text's code units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** The finalizer of MurmurHash3: every bit of the input turns about half of the output's. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const FIRST = 0x64400001;
const USABLE = 2 ** 22 - 2;
const STRIDE = 0x9e3779b1;
