// Gives back the memory of connections that are gone. quiche holds some 70 KiB for each of them behind a small object,
// for which the engine's collector sees no reason to hurry: a flood of handshakes would leave hundreds of megabytes.
import type { Millis } from "../core/machine.ts";

export class NativeMemory {
  readonly #collect: () => void;
  #seen = 0;
  #notBefore: Millis = 0;

  /** The engine's other way, without waiting for it, frees next to nothing. */
  constructor(collect: () => void = () => Bun.gc(true)) {
    this.#collect = collect;
  }

  /** `gone` counts the connections that ended so far. */
  look(gone: number, now: Millis): void {
    if (gone - this.#seen < GONE_PER_COLLECTION || now < this.#notBefore) return;
    this.#seen = gone;
    this.#notBefore = now + INTERVAL_MS;
    this.#collect();
  }
}

/** A collection takes some 20 ms: it has to be worth them, and must not be all that is done. */
const GONE_PER_COLLECTION = 1024;
const INTERVAL_MS = 1000;
