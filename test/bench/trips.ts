// Round trips of one packet at a time, through the relay and between the same two ends without it, in turn.
import { testPki } from "../support/pki.ts";
import { type RunningProcess, source, startProcess } from "../support/process.ts";
import type { PartContext } from "./parts.ts";
import { RelayProcess } from "./relay-process.ts";
import { figure } from "./report.ts";
import type { TripConfig, TripResult } from "./trip-end.ts";

export async function measureTrips({ pki, rounds, io, report }: PartContext): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const relay = stack.use(await RelayProcess.start(pki, "--io", io));
  const start = async (role: TripConfig["role"], port?: number) => {
    const end = stack.use(await startEnd(role, port));
    const [, listening] = await end.line(/^ready ?(\d*)$/);
    return { end, port: Number(listening) };
  };
  await start("connector", relay.port);
  const through = await start("agent", relay.port);
  const server = await start("server");
  const direct = await start("agent", server.port);
  const [relayed, alone]: [TripResult[], TripResult[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    alone.push(await trips(direct.end, round));
    relayed.push(await trips(through.end, round));
  }
  // The first round is the compiler's.
  const [a, b] = [relayed.slice(1), alone.slice(1)];
  const row = (measure: string, values: number[], unit: string, must?: string) =>
    report.push({ measure, figure: figure(values), unit, must });
  const p50 = (results: readonly TripResult[]) => results.map(({ p50Us }) => p50Us);
  row("round trip through the relay, 256 bytes, p50", p50(a), "µs");
  row(
    "round trip through the relay, 256 bytes, p99",
    a.map(({ p99Us }) => p99Us),
    "µs",
  );
  row("round trip without a relay, 256 bytes, p50", p50(b), "µs");
  row(
    "round trip, relay to none, p50",
    a.map(({ p50Us }, i) => p50Us / b[i]!.p50Us),
    "×",
    "≤ 2.5",
  );
}

async function startEnd(role: TripConfig["role"], port?: number): Promise<RunningProcess> {
  const pki = await testPki();
  const { certFile, keyFile } = { agent: pki.agentForAll, connector: pki.connectorForAll, server: pki.server }[role];
  const files = { ca: pki.ca.certFile, cert: certFile, key: keyFile };
  const config: TripConfig = port === undefined ? { role, ...files } : { role, ...files, port };
  return startProcess(source("test/bench/trip-end.ts", JSON.stringify(config)), { stdin: true });
}

async function trips(end: RunningProcess, round: number): Promise<TripResult> {
  end.write(`${round} ${ROUND_TRIPS}\n`);
  const [, answer = ""] = await end.line(new RegExp(`^${round} (\\{.*)$`));
  return JSON.parse(answer) as TripResult;
}

const ROUND_TRIPS = 2000;
