// The Internet checksum: RFC 1071 sums and RFC 1624 incremental updates. Nothing here allocates.
import { readU16 } from "./bytes.ts";

/**
 * Adds the 16-bit big-endian words of bytes[start, end) to `initial`; an odd last byte counts as the high half.
 * Sums are plain numbers that finish() folds; up to 64 KiB of data keeps them within 32 bits.
 */
export function sum16(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial | 0; // kept to 32-bit arithmetic, eight bytes a turn: several times as fast
  let at = start;
  for (const last = end - 7; at < last; at += 8) {
    const first = readU16(bytes, at) + readU16(bytes, at + 2);
    sum = (sum + first + readU16(bytes, at + 4) + readU16(bytes, at + 6)) | 0;
  }
  for (const last = end - 1; at < last; at += 2) sum = (sum + readU16(bytes, at)) | 0;
  if (at < end) sum = (sum + ((bytes[at] as number) << 8)) | 0;
  return sum >>> 0;
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
