// What a process has used, as the kernel counts it.
import { readFileSync } from "node:fs";

/** User and system time of all threads since the start, in microseconds, in steps of a clock tick (10 ms). */
export function processorUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
