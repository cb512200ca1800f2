// The one interface of this project: a pure state machine that decides, driven by a shell that does the I/O.

/** Monotonic milliseconds. Read once per wake-up and passed down as the last parameter; never wall-clock time. */
export type Millis = number;

export type Timeout = { readonly type: "timeout" };

/** The one timeout input: machines compare their own deadlines with `now`. */
export const TIMEOUT: Timeout = { type: "timeout" };

/**
 * After every handle(), call poll() until it returns undefined before the next handle().
 * Bytes in inputs are borrowed until then, those in an output until the next poll(); whoever keeps them copies them.
 * deadline() is when the machine next wants a timeout input; undefined means no timer.
 */
export interface Machine<Input, Output> {
  handle(input: Input | Timeout, now: Millis): void;
  poll(): Output | undefined;
  deadline(): Millis | undefined;
}

/** The first of two deadlines, either of which may not exist. */
export function earlier(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
