// Medians with their spread, as a table for the README or as JSON.

export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
}

export interface Row {
  readonly measure: string;
  readonly figure: Figure;
  readonly unit: string;
  /** What it has to be, in words. */
  readonly must?: string | undefined;
}

export type Report = Row[];

export function figure(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) throw new Error("nothing was measured");
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]!, values };
}

export function showReport(report: Report): string {
  const rows = report.map(({ measure, figure: { median, min, max, values }, unit, must = "" }) => {
    const spread = values.length > 1 ? `${short(min)}–${short(max)}` : "";
    return `| ${measure} | ${short(median)} | ${spread} | ${unit} | ${must} |`;
  });
  return ["| measure | median | spread | unit | must |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

function short(value: number): string {
  return value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3);
}
