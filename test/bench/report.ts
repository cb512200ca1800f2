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
  /** What to know before believing the figure. */
  readonly remark?: string | undefined;
}

export type Report = Row[];

/** Of the rounds that gave a number; NaN where none did. */
export function figure(values: readonly number[]): Figure {
  const found = values.filter((value) => Number.isFinite(value));
  if (values.length > 0 && found.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN, values };
  const sorted = found.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) throw new Error("nothing was measured");
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]!, values };
}

export function showReport(report: Report): string {
  const rows = report.map(({ measure, figure: { median, min, max, values }, unit, must = "", remark = "" }) => {
    const spread = values.length > 1 ? `${short(min)}–${short(max)}` : "";
    return `| ${measure} | ${short(median)} | ${spread} | ${unit} | ${must} | ${remark} |`;
  });
  return [
    "| measure | median | spread | unit | must | remark |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function short(value: number): string {
  if (Number.isNaN(value)) return "none";
  return value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3);
}
