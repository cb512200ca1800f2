// Sequence numbers are 32 bits and wrap; everything else in tcp/ counts in positions, which do not: 0 is the SYN, 1 the
// first byte, and the FIN stands behind the last one. Only what comes from or goes onto the wire is converted.

/** The wire number of a position. `initial` is the wire number of the SYN. */
export function toWire(position: number, initial: number): number {
  return (initial + position) >>> 0;
}

/** Of all positions with this wire number, the one nearest to `near`: at most 2^31 before it, or less than that behind. */
export function toPosition(wire: number, initial: number, near: number): number {
  return near + ((wire - initial - near) | 0);
}

/** Whether the 32-bit value `a` is after `b`: at most half of the circle ahead of it (RFC 7323 for timestamps). */
export function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
