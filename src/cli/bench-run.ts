// Assembles what `ztna bench` measures with: endpoint, role, socket; runs it once and says what came of it.
import { Bench, type BenchDelays, type BenchOutput, type BenchPlan, type BenchResult } from "../agent/bench.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { RelayDialler } from "../runtime/relay-dialler.ts";
import { Resolver } from "../runtime/resolver.ts";
import { onSignals } from "../runtime/signals.ts";
import type { DialEvent, PeerCommand } from "../tunnel/peer.ts";
import type { BenchSettings } from "./bench-options.ts";
import { loadClientCredentials, quicSettings } from "./client-credentials.ts";
import type { CredentialFiles } from "./client-options.ts";
import { openDiallingEndpoint, openDiallingSocket, sayGoodbye } from "./dialling.ts";
import { CommandError, CredentialError, EXIT, type ExitCode } from "./errors.ts";
import type { HostPort } from "./option-kinds.ts";
import { warn } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface BenchParts {
  readonly settings: BenchSettings;
  readonly relay: HostPort;
  readonly names: readonly string[];
  readonly plan: BenchPlan;
  readonly files: CredentialFiles;
}

export async function bench(parts: BenchParts, terminal: Terminal): Promise<number> {
  const { values } = parts.settings;
  const credentials = loadClientCredentials(values, parts.files);
  for (const warning of credentials.warnings) warn(terminal, warning);
  const result = await measure(parts, openDiallingEndpoint(quicSettings(values, credentials)));
  if (result === "interrupted") return EXIT.interrupted;
  terminal.out(values.json ? `${JSON.stringify({ schema_version: 1, ...result })}\n` : lines(parts.plan, result));
  return result.idle.returned + result.load.returned > 0 ? EXIT.done : EXIT.degraded;
}

/** Throws a CommandError when there is nothing to measure. */
async function measure({ plan, relay, names }: BenchParts, endpoint: Endpoint): Promise<BenchResult | "interrupted"> {
  const over = Promise.withResolvers<BenchResult | "interrupted">();
  const room = (peer: number) => endpoint.window(peer);
  const driver: Driver<DialEvent, Exclude<BenchOutput, PeerCommand>> = new Driver({
    role: new Bench({ plan, random: Math.random, room }, monotonicClock.now()),
    endpoint,
    clock: monotonicClock,
    perform: (output) => {
      if (output.type === "dial") void dialler.perform(output);
      else if (output.type === "bench-over") over.resolve(output.result);
      else if (output.type === "fatal") over.reject(new CredentialError(output.sentence));
      else if (output.type === "bench-failed") over.reject(new CommandError(output.sentence, EXIT[output.cause]));
    },
  });
  const socket = await openDiallingSocket(driver);
  const { now } = monotonicClock;
  const resolver = new Resolver({ freshMs: NAME_MS, now });
  const feed = (event: DialEvent) => driver.feed(event);
  const dialler = new RelayDialler({ ...relay, names, resolver, endpoint, socket, now, feed });
  const interrupt = () => over.resolve("interrupted");
  const abort = () => process.exit(EXIT.interrupted satisfies ExitCode);
  const ignoreSignals = onSignals({ drain: interrupt, reload: interrupt, abort });
  try {
    driver.attach(socket);
    return await over.promise;
  } finally {
    await sayGoodbye(endpoint, driver, GOODBYE_MS);
    ignoreSignals();
    socket.close();
  }
}

function lines({ bytes }: BenchPlan, { idle, load }: BenchResult): string {
  const lost = load.sent === 0 ? 0 : (100 * (load.sent - load.returned)) / load.sent;
  const rows = [
    `round trip of ${bytes}-byte packets, one at a time: ${times(idle)}`,
    `at ${load.perSecond.toFixed(0)} per second: ${times(load)}; ${lost.toFixed(2)} % of ${load.sent} lost`,
  ];
  if (load.heldBack > 0) rows.push(`${load.heldBack} more were not sent: the connection had no room for them`);
  return `${rows.join("\n")}\n`;
}

function times({ p50Us, p99Us }: BenchDelays): string {
  if (p50Us === undefined || p99Us === undefined) return "nothing came back: does a connector serve that address?";
  return `p50 ${(p50Us / 1000).toFixed(2)} ms, p99 ${(p99Us / 1000).toFixed(2)} ms`;
}

const NAME_MS = 10_000;
const GOODBYE_MS = 1000;
