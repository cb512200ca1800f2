// Files of random bytes with their SHA-256, made once for a file of tests.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface LargeFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export class LargeFiles implements Disposable {
  readonly #directory = temporaryDirectory();

  make(name: string, bytes: number): LargeFile {
    const path = join(this.#directory.path, name);
    const hash = new Bun.CryptoHasher("sha256");
    const block = new Uint8Array(65_536);
    const file = openSync(path, "w", 0o644);
    for (let left = bytes; left > 0; left -= block.length) {
      const piece = crypto.getRandomValues(block).subarray(0, Math.min(left, block.length));
      hash.update(piece);
      writeSync(file, piece);
    }
    closeSync(file);
    return { path, bytes, sha256: hash.digest("hex") };
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return hash.digest("hex");
}
