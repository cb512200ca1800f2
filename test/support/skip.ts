// How a test says that it cannot run here: `testUnless(why)("name", body)` is counted as skipped and the reason printed.
import { test } from "bun:test";
import { accessSync, constants } from "node:fs";

/** A reason in words, or undefined when nothing is in the way. */
export type Reason = string | undefined;

export type DeclareTest = (name: string, body: (() => void) | (() => Promise<void>), timeoutMs?: number) => void;

/** The first reason wins; without one this declares the test as `test` does. */
export function testUnless(...reasons: readonly Reason[]): DeclareTest {
  const reason = firstReason(reasons);
  if (reason === undefined) return test;
  return (name, body) => {
    console.error(`skipped: ${reason} – ${name}`);
    test.skip(name, body);
  };
}

export function firstReason(reasons: readonly Reason[]): Reason {
  return reasons.find((reason) => reason !== undefined);
}

/** Needs a program of this name on the PATH. */
export function withoutProgram(name: string): Reason {
  return Bun.which(name) === null ? `${name} is not installed` : undefined;
}

export function withoutRoot(): Reason {
  return process.getuid?.() === 0 ? undefined : "needs root";
}

/** Network namespaces, virtual Ethernet pairs and TUN devices. */
export function withoutNetworkNamespaces(): Reason {
  return firstReason([withoutRoot(), withoutProgram("ip"), withoutFile("/dev/net/tun")]);
}

export function withoutFile(path: string): Reason {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `${path} cannot be opened`;
  }
}
