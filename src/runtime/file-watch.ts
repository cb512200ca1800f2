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
    const known = this.#known;
    const state = await this.#state();
    this.#looking = false;
    if (this.#known !== known) return; // acknowledged meanwhile: what was seen here is older
    this.#known ??= state;
    const still = state === this.#latest;
    this.#latest = state;
    if (!still || state === this.#known) return;
    this.#known = state;
    this.#options.changed();
  }

  /** The owner is about to read them for a reason of its own: only what changes from now on is news to it. */
  async acknowledge(): Promise<void> {
    this.#known = await this.#state();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #state(): Promise<string> {
    return (await Promise.all(this.#options.paths.map(stateOf))).join("\n");
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
