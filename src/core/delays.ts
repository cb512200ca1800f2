// Delays, counted in steps of ten microseconds: no sample is kept, so that a run may be long.

export class Delays {
  readonly #counts = new Uint32Array(STEPS);
  #total = 0;

  add(ms: number): void {
    const step = Math.min(STEPS - 1, Math.max(0, Math.floor(ms * STEPS_PER_MS)));
    this.#counts[step] = this.#counts[step]! + 1;
    this.#total++;
  }

  /** Microseconds below which `part` of the delays lie; NaN without any. */
  quantile(part: number): number {
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      seen += this.#counts[step]!;
      if (this.#total > 0 && seen >= part * this.#total) return ((step + 1) * 1000) / STEPS_PER_MS;
    }
    return Number.NaN;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}

const STEPS_PER_MS = 100;
/** Up to a second. */
const STEPS = 100_000;
