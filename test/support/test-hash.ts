// A keyed hash that is the same in every run: nobody guesses in a test.
import type { KeyedHash } from "../../src/tcp/isn.ts";

export const testHash: KeyedHash = (bytes) => {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
};
