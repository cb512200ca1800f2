// How many connections an agent may open per second, counted as the reference does: in windows of a second that begin
// with the first SYN after the last one ended. A scan meets resets instead of backends.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";

export class SynRate {
  private readonly perSecond: number;
  private readonly windows = new ExpiringMap<Ipv4, Window>({ limit: MAX_AGENTS, idleMs: WINDOW_MS });

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** Agents that are remembered: those of the last second or so, and a bounded number of them. */
  get size(): number {
    return this.windows.size;
  }

  allow(agent: Ipv4, now: Millis): boolean {
    this.windows.takeExpired(now);
    const window = this.windows.get(agent, now) ?? { start: now, count: 0 };
    if (now - window.start >= WINDOW_MS) {
      window.start = now;
      window.count = 0;
    }
    if (window.count >= this.perSecond) return false;
    window.count += 1;
    return window.count > 1 || this.windows.set(agent, window, now);
  }
}

interface Window {
  start: Millis;
  count: number;
}

const WINDOW_MS = 1000;
const MAX_AGENTS = 16_384;
