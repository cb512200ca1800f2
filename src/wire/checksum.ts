// The Internet checksum: RFC 1071 sums and RFC 1624 incremental updates. Nothing here allocates.

/**
 * Adds the 16-bit big-endian words of bytes[start, end) to `initial`; an odd last byte counts as the high half.
 * Sums are plain numbers that finish() folds; up to 64 KiB of data keeps them within 32 bits.
 */
export function sum16(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  const lastWord = end - 1;
  let at = start;
  for (; at < lastWord; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < end) sum += (bytes[at] as number) << 8;
  return sum;
}

/** Folds a sum and complements it: what goes into the checksum field, and 0 when data and its checksum agree. */
export function finish(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/**
 * The checksum after one aligned 32-bit word of the data changed (RFC 1624, equation 3). A checksum that was wrong
 * stays wrong by the same difference, so damage is never hidden. 16-bit values are words with a high half of 0.
 */
export function adjust32(checksum: number, oldWord: number, newWord: number): number {
  const without = (~checksum & 0xffff) + (~oldWord & 0xffff) + ((~oldWord >>> 16) & 0xffff);
  return ~fold(without + (newWord & 0xffff) + (newWord >>> 16)) & 0xffff;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
