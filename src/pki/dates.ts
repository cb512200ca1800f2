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

export const DAY_MS = 86_400_000;
