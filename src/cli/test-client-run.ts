// Assembles the test client: endpoint, agents, socket; runs it once and turns what came of it into an exit status.
import { Fleet, type FleetOutput } from "../agent/fleet.ts";
import type { ProbeInput } from "../agent/probe.ts";
import type { ProbeReport } from "../agent/probe-output.ts";
import { type Failure, failureOf } from "../agent/verdict.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import type { ClientSettings } from "../quic/settings.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { RelayDialler } from "../runtime/relay-dialler.ts";
import { Resolver } from "../runtime/resolver.ts";
import { onSignals } from "../runtime/signals.ts";
import type { PeerCommand, PeerEvent } from "../tunnel/peer.ts";
import { openDiallingEndpoint, openDiallingSocket, sayGoodbye } from "./dialling.ts";
import { EXIT, type ExitCode } from "./errors.ts";
import type { Terminal } from "./terminal.ts";
import { clientSettings } from "./test-client-credentials.ts";
import type { TestClientSettings } from "./test-client-options.ts";
import type { TestRun } from "./test-client-plan.ts";
import { openReporter, type Reporter } from "./test-client-report.ts";

export async function runTestClient(settings: TestClientSettings, run: TestRun, terminal: Terminal): Promise<number> {
  const client = clientSettings(settings.values, terminal);
  const reporter = openReporter({ ...settings.values, agents: run.agents }, terminal);
  const session = new Session(run, client, reporter, terminal);
  const reports = await session.run();
  const failure = firstFailure(reports, run);
  const wasInterrupted = reports.some(({ interrupted }) => interrupted);
  const status = wasInterrupted ? EXIT.interrupted : statusOf(failure, run);
  const rejectedAsExpected = run.expected.rejection && status === EXIT.done;
  reporter.finished({ reports, failure, status, rejectedAsExpected });
  if (failure !== undefined && !wasInterrupted) terminal.err(`ztna: ${failure.sentence}\n`);
  return status;
}

function firstFailure(reports: readonly ProbeReport[], run: TestRun): Failure | undefined {
  for (const [agent, report] of reports.entries()) {
    const failure = failureOf(report, run.expected);
    if (failure === undefined) continue;
    return run.agents === undefined ? failure : { ...failure, sentence: `Agent ${agent}: ${failure.sentence}` };
  }
  return undefined;
}

/** Only a strict run tells failures apart: scripts of the reference client know 0 and 1. */
function statusOf(failure: Failure | undefined, { expected }: TestRun): ExitCode {
  if (failure === undefined) return EXIT.done;
  return expected.strict ? EXIT[failure.cause] : EXIT.failed;
}

type Input = Exclude<ProbeInput, PeerEvent>;
type Output = Exclude<FleetOutput, PeerCommand>;

class Session {
  readonly #run: TestRun;
  readonly #reporter: Reporter;
  readonly #terminal: Terminal;
  readonly #endpoint: Endpoint;
  readonly #driver: Driver<Input, Output>;
  readonly #reports = Promise.withResolvers<readonly ProbeReport[]>();
  #dialler: RelayDialler | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor(run: TestRun, client: ClientSettings, reporter: Reporter, terminal: Terminal) {
    this.#run = run;
    this.#reporter = reporter;
    this.#terminal = terminal;
    this.#endpoint = openDiallingEndpoint(client);
    const options = {
      plan: run.plan,
      agents: run.agents ?? 1,
      run: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
      random: Math.random,
      room: (peer: number) => this.#endpoint.room(peer),
    };
    this.#driver = new Driver<Input, Output>({
      role: new Fleet(options, monotonicClock.now()),
      endpoint: this.#endpoint,
      clock: monotonicClock,
      perform: (output) => this.#perform(output),
    });
  }

  async run(): Promise<readonly ProbeReport[]> {
    const { relay, names } = this.#run;
    const socket = await openDiallingSocket(this.#driver);
    this.#dialler = new RelayDialler({
      ...relay,
      names,
      resolver: new Resolver({ freshMs: NAME_MS, now: monotonicClock.now }),
      endpoint: this.#endpoint,
      socket,
      now: monotonicClock.now,
      feed: (event) => this.#driver.feed(event),
    });
    const interrupt = () => this.#driver.feed({ type: "interrupt" });
    const ignoreSignals = onSignals({
      drain: interrupt,
      reload: interrupt,
      abort: () => process.exit(EXIT.interrupted),
    });
    try {
      this.#driver.attach(socket);
      return await this.#reports.promise;
    } finally {
      await sayGoodbye(this.#endpoint, this.#driver, GOODBYE_MS);
      ignoreSignals();
      socket.close();
    }
  }

  #perform(output: Output): void {
    switch (output.type) {
      case "dial":
        void this.#dialler?.perform(output);
        break;
      case "probe":
        this.#reporter.event(output.agent, output.event);
        if (output.event.type === "prompt") void this.#readLine();
        break;
      case "all-finished":
        this.#reports.resolve(output.reports);
        break;
    }
  }

  async #readLine(): Promise<void> {
    this.#lines ??= this.#terminal.readLines()[Symbol.asyncIterator]();
    const { done, value } = await this.#lines.next();
    this.#driver.feed(done === true ? { type: "line" } : { type: "line", text: value });
  }
}

/** All agents dial within moments of each other. */
const NAME_MS = 10_000;
const GOODBYE_MS = 1000;
