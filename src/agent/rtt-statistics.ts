// Round-trip times of one run and the figures that are reported of them, in whole microseconds.

export interface RttResult {
  /** Round-trip times in microseconds. */
  readonly samples: readonly number[];
  readonly timeouts: number;
}

export interface RttStatistics {
  readonly count: number;
  readonly timeouts: number;
  /** Absent when there is no sample. */
  readonly figures?: {
    readonly min: number;
    readonly max: number;
    readonly avg: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  };
}

/** `percentile` p is the sample at index floor(count × p / 100) in ascending order. */
export function rttStatistics({ samples, timeouts }: RttResult): RttStatistics {
  const sorted = [...samples].sort((a, b) => a - b);
  const count = sorted.length;
  const min = sorted[0];
  const max = sorted[count - 1];
  if (min === undefined || max === undefined) return { count, timeouts };
  const avg = Math.floor(sorted.reduce((sum, sample) => sum + sample, 0) / count);
  const percentile = (p: number) => sorted[Math.min(count - 1, Math.floor((count * p) / 100))] ?? max;
  return { count, timeouts, figures: { min, max, avg, p50: percentile(50), p95: percentile(95), p99: percentile(99) } };
}
