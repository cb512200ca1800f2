// What all tunnels under comparison look like to the measurement.
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningProcess } from "../support/process.ts";
import type { Reason } from "../support/skip.ts";
import { ECHO_PORT, IPERF_PORT, type Place, type TunnelNetwork } from "./tunnel-network.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Tunnel extends AsyncDisposable {
  /** What the agent's host calls iperf3 and the echo on the connector's host. */
  readonly iperf: Target;
  readonly echo: Target;
  readonly processes: Readonly<Record<Place, RunningProcess>>;
}

export interface TunnelKind {
  readonly name: string;
  /** Why it cannot be measured here. */
  readonly missing: () => Reason;
  /** Resolves when packets can pass. */
  start(network: TunnelNetwork): Promise<Tunnel>;
}

/** A tunnel that gives the connector's host an address of its own, once a ping to it is answered. */
export async function addressedTunnel(
  network: TunnelNetwork,
  address: string,
  processes: Readonly<Record<Place, RunningProcess>>,
): Promise<Tunnel> {
  const ping = ["ping", "-c", "1", "-W", "1", address];
  await eventually(`a ping to ${address}`, () => void network.hosts.agent.run(...ping));
  return {
    iperf: { host: address, port: IPERF_PORT },
    echo: { host: address, port: ECHO_PORT },
    processes,
    [Symbol.asyncDispose]: async () => void (await Promise.all(Object.values(processes).map((one) => one.end()))),
  };
}

/** For programs that do not say when they are ready: tries until it does not throw. */
export async function eventually(what: string, attempt: () => void): Promise<void> {
  for (const end = performance.now() + READY_MS; ; await sleep(TRY_AGAIN_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (performance.now() > end) throw new Error(`${what}: not within ${READY_MS} ms`, { cause: error });
    }
  }
}

const READY_MS = 15_000;
const TRY_AGAIN_MS = 50;
