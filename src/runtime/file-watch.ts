// Notices that files were replaced. Polls their state: that sees a swapped symbolic link, a remounted directory and a
// file that is written again after it was gone, which the kernel's notifications lose.
import { stat } from "node:fs/promises";

export interface FileWatchOptions {
  readonly paths: readonly string[];
  readonly intervalMs: number;
  /** The files differ from what was last seen and have been still for one interval: certificate and key belong together. */
  readonly changed: () => void;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** What the owner knows; undefined until the first look. */
  #known: string | undefined;
  #latest: string | undefined;
  #looking = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), options.intervalMs);
    this.#timer.unref();
  }

  /** One look at all files; the timer calls this. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const state = (await Promise.all(this.#options.paths.map(stateOf))).join("\n");
    this.#looking = false;
    this.#known ??= state;
    const still = state === this.#latest;
    this.#latest = state;
    if (!still || state === this.#known) return;
    this.#known = state;
    this.#options.changed();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}
