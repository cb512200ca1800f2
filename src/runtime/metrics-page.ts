// Metrics as scrapers read them. Nothing is kept here: every value is read from its owner when it is scraped.
import { Counter, Gauge, Registry } from "prom-client";

export type MetricType = "counter" | "gauge";

/** Values of the labels in the order in which they were declared, then the number. */
export type Sample = readonly [labels: readonly string[], value: number];

export class MetricsPage {
  readonly #registry = new Registry();

  /** One number without labels. */
  add(type: MetricType, name: string, help: string, read: () => number): void {
    this.addLabelled(type, name, help, [], () => [[[], read()]]);
  }

  addLabelled(
    type: MetricType,
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Iterable<Sample>,
  ): void {
    const configuration = { name, help, labelNames: [...labels], registers: [this.#registry] };
    const named = (values: readonly string[]) =>
      Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""]));
    if (type === "gauge") {
      new Gauge({
        ...configuration,
        collect() {
          this.reset();
          for (const [values, value] of read()) this.set(named(values), value);
        },
      });
      return;
    }
    new Counter({
      ...configuration,
      collect() {
        this.reset();
        for (const [values, value] of read()) this.inc(named(values), value);
      },
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** What every daemon shows about its process. */
export function addProcessMetrics(page: MetricsPage, unexpectedErrors: () => number): void {
  page.add(
    "counter",
    "ztna_unexpected_errors_total",
    "Errors of the program itself; please report them.",
    unexpectedErrors,
  );
  page.add("gauge", "process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  page.add("counter", "process_cpu_seconds_total", "Processor time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

export interface CertificateDate {
  /** "server", "client" or "ca". */
  readonly certificate: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** What every daemon that has credentials shows about them. */
export function addCredentialMetrics(
  page: MetricsPage,
  read: () => { readonly dates: readonly CertificateDate[]; readonly reloads: number; readonly reloadFailures: number },
): void {
  page.addLabelled(
    "gauge",
    "ztna_certificate_expiry_timestamp_seconds",
    "When the certificate expires, in seconds since 1970.",
    ["certificate"],
    () => read().dates.map(({ certificate, notAfter }) => [[certificate], Math.floor(notAfter / 1000)] as const),
  );
  page.add(
    "counter",
    "ztna_reloads_total",
    "Reloads of certificates and settings that took effect.",
    () => read().reloads,
  );
  page.add("counter", "ztna_reload_failures_total", "Reloads that kept the old state.", () => read().reloadFailures);
}

/** `ztna_insecure{option}`: which protections the operator switched off. */
export function addInsecurityMetric(page: MetricsPage, options: () => readonly string[]): void {
  page.addLabelled("gauge", "ztna_insecure", "Protections that are switched off, by option.", ["option"], () =>
    options().map((option) => [[option], 1] as const),
  );
}
