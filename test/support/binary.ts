// The compiled program that e2e tests run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository.ts";

export const BINARY = join(ROOT, "dist/ztna");

/** `bun run test` builds it; `bun test` alone does not. */
export function requireBinary(): void {
  if (!existsSync(BINARY)) throw new Error("dist/ztna is missing: bun run build");
}
