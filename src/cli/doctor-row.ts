// One thing that the doctor looked at.

export type RowStatus = "ok" | "warning" | "failure";

export interface Row {
  /** Stable. */
  readonly check: string;
  readonly status: RowStatus;
  readonly detail: string;
  /** What to do; present unless all is well. */
  readonly remedy?: string;
  /** The relay does not answer: an exit code of its own. */
  readonly unreachable?: true;
}

export function ok(check: string, detail: string): Row {
  return { check, status: "ok", detail };
}

export function warning(check: string, detail: string, remedy: string): Row {
  return { check, status: "warning", detail, remedy };
}

export function failure(check: string, detail: string, remedy: string): Row {
  return { check, status: "failure", detail, remedy };
}
