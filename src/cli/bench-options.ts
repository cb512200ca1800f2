// The options of `ztna bench`.
import { LEAST_BENCH_BYTES } from "../agent/bench.ts";
import { credentialOptions, relayOptions } from "./client-options.ts";
import { serviceName } from "./connect-services.ts";
import { CONGESTION_OPTION } from "./daemon-options.ts";
import { count, ipv4 } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, type Settings } from "./options.ts";

const LOAD = "Load";

export const BENCH_OPTIONS = {
  ...relayOptions({ host: "serverHost", port: "serverPort" }),
  ...CONGESTION_OPTION,
  service: optional(serviceName, { help: "a service that our certificate grants", group: LOAD }),
  dst: option(ipv4, { default: "10.100.0.1", help: "its virtual address", group: LOAD }),
  rate: option(count(1, 20_000), { default: 1000, help: "echo requests per second", group: LOAD }),
  seconds: option(count(1, 60), { default: 5, help: "for so long", group: LOAD }),
  bytes: option(count(LEAST_BENCH_BYTES, 65_535), { default: 1000, help: "of each inner packet", group: LOAD }),
  json: flag("one JSON document instead of lines", { group: "Report" }),
  ...credentialOptions({}),
} as const;

export const BENCH: CommandSpec<typeof BENCH_OPTIONS> = {
  command: "bench",
  summary: "round trips and loss to a service, idle and under load",
  options: BENCH_OPTIONS,
  examples: [
    "ztna bench --server relay.example.org --service lab --rate 5000 --seconds 10 \\",
    "  --client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem",
  ],
};

export type BenchSettings = Settings<typeof BENCH_OPTIONS>;
