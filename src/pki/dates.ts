// Dates of certificates as operators read them: UTC, to the day or to the second.

/** Whole days that are left; negative when it is over. */
export function daysUntil(at: number, wallNow: number): number {
  return Math.floor((at - wallNow) / DAY_MS);
}

/** 2026-11-23 */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** 2026-11-23T16:18:27Z */
export function secondOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** From a little in the past, for clocks that are behind, and for this many days from now. */
export function validityOf(days: number, wallNow: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(wallNow - BACKDATE_MS), notAfter: new Date(wallNow + days * DAY_MS) };
}

const DAY_MS = 86_400_000;
const BACKDATE_MS = 5 * 60_000;
