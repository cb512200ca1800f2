// One run of iperf3 from the agent's host: kernel TCP at both ends, its own figures.
import { runProcess } from "../support/process.ts";
import type { Target } from "./tunnel.ts";
import type { TunnelNetwork } from "./tunnel-network.ts";

/** `up`: from the agent's host to the connector's. */
export type Direction = "up" | "down";

export interface Transfer {
  readonly megabitsPerSecond: number;
  /** Received in all. */
  readonly bytes: number;
}

export async function transfer(
  network: TunnelNetwork,
  target: Target,
  way: { readonly direction: Direction; readonly streams: number; readonly seconds: number },
): Promise<Transfer> {
  const where = ["--client", target.host, "--port", `${target.port}`, "--connect-timeout", "3000"];
  const what = ["--time", `${way.seconds}`, "--parallel", `${way.streams}`, "--json"];
  const command = [
    ...network.hosts.agent.prefix,
    "iperf3",
    ...where,
    ...what,
    ...(way.direction === "down" ? ["--reverse"] : []),
  ];
  const { stdout } = await runProcess(command, { timeoutMs: way.seconds * 1000 + SPARE_MS });
  const { end, error } = JSON.parse(stdout) as IperfReport;
  if (error !== undefined || end.sum_received === undefined) throw new Error(`iperf3: ${error ?? "no figures"}`);
  return { megabitsPerSecond: end.sum_received.bits_per_second / 1e6, bytes: end.sum_received.bytes };
}

interface IperfReport {
  readonly error?: string;
  readonly end: { readonly sum_received?: { readonly bits_per_second: number; readonly bytes: number } };
}

const SPARE_MS = 10_000;
