// A directory that a test owns and that is gone when the test is done.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
  /** Writes a file, readable by its owner only, and returns its path. */
  write(name: string, content: string | Uint8Array, mode?: number): string;
}

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "ztna-test-"));
  return {
    path,
    write: (name, content, mode = 0o600) => {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode });
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
