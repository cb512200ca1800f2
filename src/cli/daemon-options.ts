// Options that every daemon has, and what is read from them.
import { CONGESTION_CONTROLLERS, DEFAULT_CONGESTION } from "../quic/congestion.ts";
import { choice, count, duration, file, host, port } from "./option-kinds.ts";
import { flag, option, optional } from "./options.ts";

export const FILE_OPTIONS = {
  config: optional(file, { help: "configuration file, JSON or YAML by extension", only: "flag" }),
  check: flag("check everything, start nothing", { only: "flag" }),
} as const;

export const LOG_OPTIONS = {
  logFormat: option(choice("text", "json"), { default: "text", help: "form of the log lines", group: "Log" }),
  logLevel: option(choice("debug", "info", "warn", "error"), {
    default: "info",
    help: "least important lines to write; addresses appear at debug only",
    group: "Log",
  }),
} as const;

export const PROCESS_OPTIONS = {
  maxMemory: option(count(0, 1_048_576), {
    default: 4096,
    help: "resident memory in MiB at which it drains and ends with 1; 0: any",
    group: "Limits",
  }),
} as const;

export const OPEN_KEYS_OPTION = {
  allowOpenKeys: flag("accept private keys that everybody may read (Kubernetes mounts them so)", {
    group: "Credentials",
  }),
} as const;

export const CONGESTION_OPTION = {
  congestion: option(choice(...CONGESTION_CONTROLLERS), {
    default: DEFAULT_CONGESTION,
    help: "congestion control of what we send: bbr goes by what arrives, the others slow down for every loss",
    group: "Network",
  }),
} as const;

/** How packets are carried, and how often each connection is given a new id. */
export const PACKET_OPTIONS = {
  io: option(choice("auto", "linux", "portable"), {
    default: "auto",
    help: "linux: packets in batches; portable: one by one; auto: linux where it works",
    group: "Network",
  }),
  socketBuffer: option(count(4096, 1_073_741_824), {
    default: 4_194_304,
    help: "kernel buffers to ask for, in bytes; metrics show what the kernel gave",
    group: "Network",
  }),
  ...CONGESTION_OPTION,
  cidRotation: option(duration, { default: 300_000, help: "how often connections get new ids", group: "Network" }),
} as const;

export function statusOptions(defaultPort: number) {
  return {
    metricsPort: option(port, {
      default: defaultPort,
      help: "TCP port of /healthz, /readyz and /metrics; 0: none",
      group: "Status",
    }),
    metricsBind: option(host, { default: "127.0.0.1", help: "where that port listens", group: "Status" }),
  } as const;
}
