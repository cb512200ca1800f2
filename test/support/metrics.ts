// Reads what a status port says about a daemon, as a scraper does.
import { runProcess } from "./process.ts";

export interface Metrics {
  /** By name and labels as written: `ztna_dropped_total{hop="packet",reason="version"}`. */
  readonly values: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
}

/** Throws on a line that is no Prometheus text. */
export function parseMetrics(text: string): Metrics {
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1]!, type[2]!);
    if (line === "" || line.startsWith("#")) continue;
    const sample = /^([a-z_]+(?:\{.*\})?) (-?[\d.e+]+)$/.exec(line);
    if (sample === null) throw new Error(`not a metric: ${line}`);
    values.set(sample[1]!, Number(sample[2]));
  }
  return { values, types };
}

/** `prefix`: what a command begins with that is run where the port is, such as another network namespace. */
export async function scrape(port: number, prefix: readonly string[] = []): Promise<Metrics> {
  const url = `http://127.0.0.1:${port}/metrics`;
  if (prefix.length === 0) return parseMetrics(await (await fetch(url)).text());
  const program = `process.stdout.write(await (await fetch("${url}")).text())`;
  const { stdout } = await runProcess([...prefix, process.execPath, "-e", program]);
  return parseMetrics(stdout);
}
