// Several probes at once, each with a connection of its own, as one role: events go to the probe they are for.
import { Deadlines } from "../core/deadlines.ts";
import { type Machine, type Millis, TIMEOUT, type Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { PeerId } from "../tunnel/peer.ts";
import { Probe, type ProbeInput, type ProbeOptions } from "./probe.ts";
import type { ProbeOutput, ProbeReport } from "./probe-output.ts";

export interface FleetOptions extends Omit<ProbeOptions, "agent"> {
  readonly agents: number;
}

export type FleetOutput =
  | ProbeOutput
  /** Once, when every probe has finished: their reports in the order of the agents. */
  | { readonly type: "all-finished"; readonly reports: readonly ProbeReport[] };

export class Fleet implements Machine<ProbeInput, FleetOutput> {
  private readonly options: FleetOptions;
  private readonly out = new Outbox<FleetOutput>();
  private readonly probes: Probe[] = [];
  /** Each probe dials once. */
  private readonly byPeer = new Map<PeerId, number>();
  /** When each probe wants to be woken. */
  private readonly deadlines = new Deadlines<number>();
  private readonly reports: (ProbeReport | undefined)[] = [];
  private finished = 0;
  private unstarted: number;
  private nextStart: Millis | undefined;

  constructor(options: FleetOptions, now: Millis) {
    this.options = options;
    this.unstarted = options.agents;
    this.nextStart = now;
    this.startDue(now);
  }

  handle(input: ProbeInput | Timeout, now: Millis): void {
    switch (input.type) {
      case "timeout":
        this.startDue(now);
        this.wakeDue(now);
        return;
      case "dialing":
        if (this.probes[input.dial] !== undefined) this.byPeer.set(input.peer, input.dial);
        return this.step(input.dial, input, now);
      case "unresolved":
        return this.step(input.dial, input, now);
      case "line":
        return this.step(0, input, now);
      case "interrupt":
        return this.interrupt(now);
      default:
        this.toPeer(input, now);
    }
  }

  poll(): FleetOutput | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    const next = this.deadlines.next();
    if (this.nextStart === undefined || next === undefined) return this.nextStart ?? next;
    return Math.min(this.nextStart, next);
  }

  private toPeer(input: Extract<ProbeInput, { peer: PeerId }>, now: Millis): void {
    const agent = this.byPeer.get(input.peer);
    if (agent !== undefined) this.step(agent, input, now);
  }

  /** Not all in the same instant: that would be a flood of handshakes, which relays limit. */
  private startDue(now: Millis): void {
    if (this.nextStart === undefined || now < this.nextStart) return;
    const agent = this.probes.length;
    const probe = new Probe({ ...this.options, agent }, now);
    this.probes.push(probe);
    this.unstarted -= 1;
    this.nextStart = this.unstarted > 0 ? now + START_APART_MS : undefined;
    this.settle(agent, probe);
  }

  private wakeDue(now: Millis): void {
    const due: number[] = [];
    for (let agent = this.deadlines.takeExpired(now); agent !== undefined; agent = this.deadlines.takeExpired(now)) {
      due.push(agent);
    }
    for (const agent of due) this.step(agent, TIMEOUT, now);
  }

  /** Those that did not start yet never will. */
  private interrupt(now: Millis): void {
    this.nextStart = undefined;
    this.unstarted = 0;
    for (const agent of this.probes.keys()) this.step(agent, { type: "interrupt" }, now);
  }

  private step(agent: number, input: ProbeInput | Timeout, now: Millis): void {
    const probe = this.probes[agent];
    if (probe === undefined) return;
    probe.handle(input, now);
    this.settle(agent, probe);
  }

  private settle(agent: number, probe: Probe): void {
    for (let output = probe.poll(); output !== undefined; output = probe.poll()) {
      this.out.push(output);
      if (output.type === "probe" && output.event.type === "finished") this.finish(agent, output.event.report);
    }
    const deadline = probe.deadline();
    if (deadline === undefined) this.deadlines.clear(agent);
    else this.deadlines.set(agent, deadline);
  }

  private finish(agent: number, report: ProbeReport): void {
    this.reports[agent] = report;
    this.finished += 1;
    if (this.unstarted > 0 || this.finished < this.probes.length) return;
    const reports = this.reports.filter((one) => one !== undefined);
    this.out.push({ type: "all-finished", reports });
  }
}

const START_APART_MS = 2;
