// `bun run bench:rivals`: iperf3 through ztna and through other tunnels, side by side on three hosts of one machine. All
// tunnels are up at once and take turns within a round, because the machine's speed drifts: what counts are ratios of
// one round. Needs root and, for each tunnel, its programs; what is missing is named and left out.
import { parseArgs } from "node:util";
import { removeNamespaces } from "../support/network-namespace.ts";
import { firstReason, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { type Direction, transfer } from "./iperf.ts";
import { processorUs } from "./process-time.ts";
import { type Measured, type Run, showRivals, type Way } from "./rivals-report.ts";
import { RoundTripProbe } from "./round-trips.ts";
import type { Tunnel, TunnelKind } from "./tunnel.ts";
import { NEBULA } from "./tunnel-nebula.ts";
import { PLACES, type Place, type TunnelNetwork, tunnelNetwork } from "./tunnel-network.ts";
import { OPENVPN } from "./tunnel-openvpn.ts";
import { WIREGUARD_GO } from "./tunnel-wireguard-go.ts";
import { ZTNA, ZTNA_ROOTLESS } from "./tunnel-ztna.ts";

const KINDS: readonly TunnelKind[] = [WIREGUARD_GO, NEBULA, OPENVPN, ZTNA, ZTNA_ROOTLESS];

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "3" },
    streams: { type: "string", default: "1,4" },
    ways: { type: "string", default: "up,down" },
    only: { type: "string", default: KINDS.map(({ name }) => name).join(",") },
  },
});

/** Each tunnel has hosts of its own: programs that look for ways to each other would find those of the others. */
interface Test {
  readonly network: TunnelNetwork;
  readonly tunnel: Tunnel;
  readonly measured: Measured;
}

async function main(): Promise<void> {
  const missing = firstReason([withoutNetworkNamespaces(), withoutProgram("iperf3"), withoutProgram("ping")]);
  if (missing !== undefined) return console.error(`skipped: ${missing} – all tunnels`);
  await using owned = new AsyncDisposableStack();
  const under: Test[] = [];
  for (const kind of chosenKinds()) {
    const reason = kind.missing();
    if (reason !== undefined) {
      console.error(`skipped: ${reason} – ${kind.name}`);
      continue;
    }
    const network = owned.use(await tunnelNetwork());
    const tunnel = owned.use(await kind.start(network));
    await warmUp(network, tunnel);
    const idle = await roundTripsAlone(network, tunnel);
    under.push({ network, tunnel, measured: { name: kind.name, idle, runs: [] } });
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const way of chosenWays()) {
      for (const test of under) test.measured.runs.push(await runOnce(test, way));
    }
  }
  const measured = under.map((test) => test.measured);
  console.log(values.json ? JSON.stringify({ schema_version: 1, measured }) : showRivals(measured));
}

async function runOnce({ network, tunnel }: Test, way: Way): Promise<Run> {
  await using probe = await RoundTripProbe.start(network, tunnel.echo);
  const before = processorTimes(tunnel);
  const { megabitsPerSecond, bytes } = await transfer(network, tunnel.iperf, {
    ...way,
    seconds: Number(values.seconds),
  });
  const after = processorTimes(tunnel);
  const secondsPerGigabyte = perPlace((place) => ((after[place] - before[place]) * 1000) / bytes);
  return { ...way, megabitsPerSecond, secondsPerGigabyte, roundTrips: await probe.finish() };
}

/** What runs for days is not measured in its first second: compilers, congestion windows and buffers settle. */
async function warmUp(network: TunnelNetwork, { iperf }: Tunnel): Promise<void> {
  const seconds = Number(values["warm-up"]);
  if (seconds === 0) return;
  for (const direction of ["up", "down"] as const) await transfer(network, iperf, { direction, streams: 1, seconds });
}

async function roundTripsAlone(network: TunnelNetwork, tunnel: Tunnel) {
  await using probe = await RoundTripProbe.start(network, tunnel.echo);
  await Bun.sleep(IDLE_MS);
  return probe.finish();
}

function processorTimes({ processes }: Tunnel): Record<Place, number> {
  return perPlace((place) => processorUs(processes[place].pid));
}

function perPlace(value: (place: Place) => number): Record<Place, number> {
  return Object.fromEntries(PLACES.map((place) => [place, value(place)])) as Record<Place, number>;
}

function chosenKinds(): readonly TunnelKind[] {
  return values.only.split(",").map((name) => {
    const kind = KINDS.find((one) => one.name === name);
    if (kind === undefined) throw new Error(`no tunnel is called ${name}: ${KINDS.map((one) => one.name).join(", ")}`);
    return kind;
  });
}

function chosenWays(): readonly Way[] {
  const directions = values.ways.split(",") as Direction[];
  return directions.flatMap((direction) =>
    values.streams.split(",").map((text) => ({ direction, streams: Number(text) })),
  );
}

const IDLE_MS = 1000;

try {
  await main();
} finally {
  removeNamespaces();
}
