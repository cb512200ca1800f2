// The hash behind initial sequence numbers and timestamps (RFC 6528): keyed with a secret that is as old as the process.
import { createHmac, randomBytes } from "node:crypto";
import type { KeyedHash } from "../tcp/isn.ts";

export function keyedHash(secret: Uint8Array = randomBytes(32)): KeyedHash {
  return (bytes) => createHmac("sha256", secret).update(bytes).digest().readUInt32BE(0);
}
