// What to know before believing rounds of load: that nothing arrived, that the driver was the limit, where datagrams went.
import type { Run } from "./bed.ts";

/** Undefined when there is nothing to say. `rate`: what was to be offered, per second. */
export function remarkOn(rate: number, rounds: readonly Run[]): string | undefined {
  const remarks: string[] = [];
  const silent = rounds.filter(({ received }) => received === 0).length;
  if (silent > 0) remarks.push(`nothing arrived in ${silent} of ${rounds.length} rounds`);
  const offered = Math.min(...rounds.map(({ sent, seconds }) => sent / seconds / rate));
  if (offered < LEAST_OFFERED) remarks.push(`the driver had time for ${(100 * offered).toFixed(0)} % in one round`);
  const worst = rounds.toSorted((a, b) => b.lostPart - a.lostPart)[0];
  if (worst !== undefined && worst.lostPart > WORTH_A_WORD) remarks.push(`worst round lost ${lossesOf(worst)}`);
  return remarks.length === 0 ? undefined : remarks.join("; ");
}

function lossesOf({ losses, lostPart, sent }: Run): string {
  const parts = losses
    .slice(0, MOST_NAMED)
    .map(({ where, count }) => `${((100 * count) / sent).toFixed(2)} % ${where}`);
  return `${(100 * lostPart).toFixed(2)} %: ${parts.join(", ") || "on the way"}`;
}

const LEAST_OFFERED = 0.98;
const WORTH_A_WORD = 0.001;
const MOST_NAMED = 3;
