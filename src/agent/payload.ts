// Generated payloads: their sizes, and the patterns that fill them.
import { UDP_OVERHEAD } from "../wire/udp.ts";
import type { PayloadPattern, PayloadSize } from "./probe-plan.ts";

/** `largestDatagram` is what a connection takes, less what wraps each datagram. */
export function largestPayload(largestDatagram: number): number {
  return Math.max(0, largestDatagram - UDP_OVERHEAD);
}

export function sizeInBytes(size: PayloadSize, largest: number): number {
  return "bytes" in size ? size.bytes : Math.max(0, largest + size.beyondLargest);
}

/** Sizes of a range, one per number: its ends first, then all over it, each before any comes again. */
export function sizeInRange(number: number, least: number, most: number): number {
  const sizes = most - least + 1;
  if (sizes <= 1) return least;
  if (number % sizes === 0) return least;
  return most - ((((number % sizes) - 1) * strideWithin(sizes - 1)) % (sizes - 1));
}

/** Why a datagram of this size cannot be sent; undefined when it can. */
export function tooLarge(size: number, largestDatagram: number): string | undefined {
  return size <= largestDatagram ? undefined : `a datagram of ${size} bytes is too large: ${largestDatagram} fit`;
}

/** `random` gives numbers from 0 up to, but not including, 1. */
export function patternPayload(pattern: PayloadPattern, size: number, random: () => number): Uint8Array {
  const payload = new Uint8Array(size);
  switch (pattern) {
    case "zeros":
      return payload;
    case "ones":
      return payload.fill(0xff);
    case "sequential":
      return payload.map((_, at) => at & 0xff);
    case "random":
      return payload.map(() => Math.floor(random() * 256));
  }
}

/** Steps of this length visit each of `places` once. */
function strideWithin(places: number): number {
  let stride = Math.max(1, Math.floor(places * GOLDEN_SECTION));
  while (greatestCommonDivisor(stride, places) !== 1) stride += 1;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const GOLDEN_SECTION = 0.618;
