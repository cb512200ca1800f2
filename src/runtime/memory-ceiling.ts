// Notices that the process has grown beyond what the operator allows it, so that it can end in good order before the
// kernel ends it, or something else on the host, in the middle of everything.

export interface MemoryCeilingOptions {
  /** Resident memory; 0: no ceiling. */
  readonly limitBytes: number;
  /** Called once, with the resident bytes seen. */
  readonly exceeded: (residentBytes: number) => void;
  readonly residentBytes?: () => number;
  readonly intervalMs?: number;
}

export class MemoryCeiling {
  readonly #options: MemoryCeilingOptions;
  readonly #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: MemoryCeilingOptions) {
    this.#options = options;
    if (options.limitBytes === 0) return;
    this.#timer = setInterval(() => this.#look(), options.intervalMs ?? INTERVAL_MS);
    this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { limitBytes, exceeded, residentBytes = process.memoryUsage.rss } = this.#options;
    const resident = residentBytes();
    if (resident <= limitBytes) return;
    this.close();
    exceeded(resident);
  }
}

const INTERVAL_MS = 2000;
