// Who is told what while `ztna test-client` runs: data lines as they come, or one JSON document at the end; prose
// goes to standard error either way.
import type { ProbeEvent, ProbeReport } from "../agent/probe-output.ts";
import { rttStatistics } from "../agent/rtt-statistics.ts";
import { closeText, type Failure } from "../agent/verdict.ts";
import { toHex } from "../wire/bytes.ts";
import type { Terminal } from "./terminal.ts";
import { eventLines, fleetLines, isEven, type LineOptions, packetsPerSecond, totals } from "./test-client-lines.ts";

export interface Outcome {
  readonly reports: readonly ProbeReport[];
  readonly failure: Failure | undefined;
  readonly status: number;
  /** The relay turned us away, as it was expected to. */
  readonly rejectedAsExpected: boolean;
}

export interface Reporter {
  event(agent: number, event: ProbeEvent): void;
  finished(outcome: Outcome): void;
}

export interface ReporterOptions extends LineOptions {
  readonly json: boolean;
  /** Absent: one agent, which is heard line by line. */
  readonly agents: number | undefined;
}

export function openReporter(options: ReporterOptions, terminal: Terminal): Reporter {
  if (options.json) return new JsonReporter(options, terminal);
  return options.agents === undefined ? new LineReporter(options, terminal) : new FleetReporter(options, terminal);
}

class LineReporter implements Reporter {
  readonly #options: LineOptions;
  readonly #terminal: Terminal;

  constructor(options: LineOptions, terminal: Terminal) {
    this.#options = options;
    this.#terminal = terminal;
  }

  event(_agent: number, event: ProbeEvent): void {
    sayProse(event, this.#terminal);
    write(this.#terminal, eventLines(event, this.#options));
  }

  finished({ rejectedAsExpected }: Outcome): void {
    if (rejectedAsExpected) write(this.#terminal, [REJECTED]);
  }
}

class FleetReporter implements Reporter {
  readonly #options: LineOptions;
  readonly #terminal: Terminal;
  readonly #sizes: Extract<ProbeEvent, { type: "sizes" }>[] = [];

  constructor(options: LineOptions, terminal: Terminal) {
    this.#options = options;
    this.#terminal = terminal;
  }

  event(agent: number, event: ProbeEvent): void {
    if (event.type === "sizes") this.#sizes.push(event);
    sayProse(event, this.#terminal, agent);
  }

  finished({ reports, rejectedAsExpected }: Outcome): void {
    write(this.#terminal, fleetLines(reports, this.#sizes, this.#options));
    if (rejectedAsExpected) write(this.#terminal, [REJECTED]);
  }
}

class JsonReporter implements Reporter {
  readonly #agents: number | undefined;
  readonly #terminal: Terminal;
  readonly #sizes = new Map<number, { readonly max_datagram: number; readonly max_payload: number }>();
  readonly #received: string[] = [];
  #receivedMore = 0;

  constructor({ agents }: ReporterOptions, terminal: Terminal) {
    this.#agents = agents;
    this.#terminal = terminal;
  }

  event(agent: number, event: ProbeEvent): void {
    sayProse(event, this.#terminal, this.#agents === undefined ? undefined : agent);
    if (event.type === "sizes") this.#sizes.set(agent, { max_datagram: event.datagram, max_payload: event.payload });
    if (event.type !== "received" || this.#agents !== undefined) return;
    if (this.#received.length < MAX_RECEIVED) this.#received.push(toHex(event.bytes));
    else this.#receivedMore++;
  }

  finished({ reports, failure, status, rejectedAsExpected }: Outcome): void {
    const total = totals(reports);
    const document = {
      schema_version: 1,
      status,
      ...(failure === undefined ? {} : { failure }),
      ...(rejectedAsExpected ? { rejected_as_expected: true } : {}),
      ...(this.#agents === undefined ? { received: this.#received, received_not_shown: this.#receivedMore } : {}),
      ...figures(total),
      agents: reports.map((report, agent) => ({ agent, ...this.#sizes.get(agent), ...agentDocument(report) })),
    };
    this.#terminal.out(`${JSON.stringify(document)}\n`);
  }
}

function agentDocument(report: ProbeReport) {
  const { handshake, registration, closed, sendFailure, sent, answers } = report;
  return {
    ...(handshake === undefined ? {} : { handshake: handshakeDocument(handshake) }),
    registration: registration.type,
    ...(registration.type === "refused" ? { registration_status: registration.status } : {}),
    ...(closed === undefined ? {} : { closed }),
    ...(sendFailure === undefined ? {} : { send_failure: sendFailure }),
    sent,
    answers,
    ...figures(report),
  };
}

function handshakeDocument(handshake: NonNullable<ProbeReport["handshake"]>) {
  if (handshake.done) return { done: true, us: handshake.micros };
  const { reason, detail, code } = handshake;
  return { done: false, reason, detail, ...(code === undefined ? {} : { code }) };
}

function figures({ burst, rtt, echo, ledger }: ReturnType<typeof totals>) {
  const statistics = rtt && rttStatistics(rtt);
  return {
    ...(burst && { burst: { sent: burst.sent, us: burst.micros, pps: Number(packetsPerSecond(burst)) } }),
    ...(statistics && { rtt_us: { count: statistics.count, timeouts: statistics.timeouts, ...statistics.figures } }),
    ...(echo && { verify: { ...echo, passed: echo.mismatches === 0 } }),
    ...(ledger && { payloads: { ...ledger, passed: isEven(ledger) } }),
  };
}

function sayProse(event: ProbeEvent, terminal: Terminal, agent?: number): void {
  if (event.type === "prompt") return terminal.err("> ");
  if (event.type !== "closed") return;
  const who = agent === undefined ? "" : `agent ${agent}: `;
  terminal.err(`ztna: ${who}the connection was closed: ${closeText(event.closed)}\n`);
}

function write(terminal: Terminal, lines: readonly string[]): void {
  if (lines.length > 0) terminal.out(`${lines.join("\n")}\n`);
}

const REJECTED = "EXPECTED_FAIL:connection_rejected";
/** A document is kept in memory until the end. */
const MAX_RECEIVED = 10_000;
